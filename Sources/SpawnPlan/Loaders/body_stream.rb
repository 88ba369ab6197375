# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # What a body with `call` gets to write to: framed by the length that was announced, else in chunks.
  #
  # Threads of the application may write while ours still hands it over, so what goes out goes out under a lock: the head first.
  class BodyStream
    # `tells_end`: an end of file on the socket means that the answer was given up.
    def initialize(socket, head, length, tells_end)
      @socket = socket
      @head = head
      @length = length
      @tells_end = tells_end
      @written = 0
      @closed = @owner = @finished = false
      @lock = Mutex.new
    end

    def started?
      @head.nil?
    end

    def write(*parts)
      @lock.synchronize { parts.inject(0) { |sum, part| sum + write_part(part.is_a?(String) ? part : part.to_s) } }
    end

    def <<(part)
      write(part)
      self
    end

    def print(*parts)
      write(*parts)
      nil
    end

    def flush
      self
    end

    # The body of the request is in `rack.input`.
    def read(length = nil, buffer = nil)
      buffer.clear if buffer
      length.nil? || length.zero? ? buffer || String.new : nil
    end

    def close
      return if @closed
      @lock.synchronize { @closed = true }
      finish if @owner
    end

    def close_write
      close
    end

    def close_read; end

    def closed?
      @closed
    end

    # From now on the application's threads write, and closing is what ends the connection. Does not wait for a thread that is
    # writing, which can take as long as the client likes: it has sent the head, and finds that the answer is its own to end.
    def hand_over
      @owner = true
      return unless @lock.try_lock
      begin
        send_head
      ensure
        @lock.unlock
      end
      finish if @closed
    end

    # Ends the answer.
    def finish
      @lock.synchronize { send_end unless @finished }
    ensure
      @socket.close if @owner && !@socket.closed?
    end

    private

    def send_end
      @finished = @closed = true
      if @length && @written != @length
        raise LengthMismatch, "#{@written} bytes, but Content-Length #{@length}"
      end
      send_head
      put("0\r\n\r\n") unless @length
    end

    def write_part(part)
      raise IOError, 'closed stream' if @closed
      return 0 if part.empty?
      @written += part.bytesize
      raise LengthMismatch, "more bytes than the Content-Length #{@length}" if @length && @written > @length
      send_part(part)
      part.bytesize
    end

    def send_part(part)
      part = "#{part.bytesize.to_s(16)}\r\n".b << part.b << "\r\n" unless @length
      head = @head
      @head = nil
      put(head ? head << part.b : part)
    end

    def send_head
      head = @head
      @head = nil
      put(head) if head
    end

    def put(bytes)
      raise ClientGone, 'nobody waits for the answer' if @tells_end && Responder.given_up?(@socket)
      @socket.write(bytes)
    rescue SystemCallError, IOError => error
      raise ClientGone, error.message
    end
  end
end
