# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # Writes one answer, framed so that the connection can go on.
  class Responder
    REASONS = {
      100 => 'Continue', 101 => 'Switching Protocols', 103 => 'Early Hints', 200 => 'OK', 201 => 'Created',
      202 => 'Accepted', 204 => 'No Content', 206 => 'Partial Content', 301 => 'Moved Permanently', 302 => 'Found',
      303 => 'See Other', 304 => 'Not Modified', 307 => 'Temporary Redirect', 308 => 'Permanent Redirect',
      400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden', 404 => 'Not Found',
      405 => 'Method Not Allowed', 406 => 'Not Acceptable', 409 => 'Conflict', 410 => 'Gone',
      413 => 'Content Too Large', 415 => 'Unsupported Media Type', 422 => 'Unprocessable Content',
      429 => 'Too Many Requests', 500 => 'Internal Server Error', 501 => 'Not Implemented', 502 => 'Bad Gateway',
      503 => 'Service Unavailable', 504 => 'Gateway Timeout'
    }.freeze
    STATUS_LINES = Hash.new do |_, status|
      reason = REASONS[status] || (defined?(::Rack::Utils) && ::Rack::Utils::HTTP_STATUS_CODES[status]) || 'Unknown'
      "HTTP/1.1 #{status} #{reason}\r\n"
    end
    REASONS.each_key { |status| STATUS_LINES[status] = STATUS_LINES[status].freeze }
    # What would end a header line, or its name, too early.
    BAD_VALUE = /[\r\n\0]/.freeze
    BAD_NAME = /[\r\n\0: ]/.freeze
    FAILURE = [500, { 'Content-Type' => 'text/plain' }, ["Internal Server Error\n"]].freeze

    def initialize(socket, keeps_stream)
      @socket = socket
      @keep = keeps_stream
      @started = false
    end

    # Whether bytes of the answer have been written.
    def started?
      @started
    end

    # Answers whether the connection can be used again; calls `close` of the body whatever happens.
    def respond(status, headers, body, head_only)
      status = status.to_i
      head = head_for(status, headers)
      @length = nil if status == 204 || status < 200
      if @hijack
        partial_hijack(head)
      elsif head_only || status == 204 || status == 304 || status < 200
        write(finish_head(head, nil))
      elsif body.respond_to?(:each) || body.respond_to?(:to_path)
        write_body(head, body)
      else
        @hijack = body
        partial_hijack(head)
      end
      @keep
    ensure
      body.close if body.respond_to?(:close)
    end

    private

    def write(bytes)
      @started = true
      @socket.write(bytes)
    rescue SystemCallError, IOError => error
      raise ClientGone, error.message
    end

    def head_for(status, headers)
      @length = @hijack = nil
      @raw_chunks = @upgrade = false
      head = String.new(capacity: 1024) << STATUS_LINES[status]
      headers.each { |name, value| add_header(head, name, value) }
      head
    end

    def add_header(head, name, value)
      # The length of a name rules most of them out for the price of one comparison.
      case name.size
      when 10 then return connection_header(head, value.to_s) if name.casecmp('connection').zero?
      when 11 then return @hijack = value if name == 'rack.hijack'
      when 14 then return @length = Integer(value.to_s, 10) if name.casecmp('content-length').zero?
      when 17 then raw_chunks if name.casecmp('transfer-encoding').zero?
      end
      return if name.start_with?('rack.')
      if value.is_a?(Array)
        value.each { |part| add_line(head, name, part.to_s) }
      elsif (text = value.to_s).include?("\n")
        text.split("\n").each { |part| add_line(head, name, part) }
      else
        add_line(head, name, text)
      end
    end

    # Nobody checks here that the app's own framing is right: the stream ends with this answer.
    def raw_chunks
      @raw_chunks = true
      @keep = false
    end

    def add_line(head, name, text)
      raise InvalidHeader, "line break in the response header #{name.inspect}" if BAD_VALUE.match?(text)
      raise InvalidHeader, "bad name of a response header: #{name.inspect}" if BAD_NAME.match?(name)
      head << name << ': ' << (text.ascii_only? ? text : text.b) << "\r\n"
    end

    # Whether the connection is kept is decided here; only an upgrade is passed on.
    def connection_header(head, value)
      @keep = false if value.casecmp('close').zero?
      return unless (@upgrade = value =~ /upgrade/i)
      add_line(head, 'Connection', value)
    end

    def finish_head(head, framing)
      head << framing if framing
      head << 'Content-Length: ' << @length.to_s << "\r\n" if @length && !framing
      head << "Connection: close\r\n" unless @keep || @upgrade
      head << "\r\n"
    end

    def write_body(head, body)
      if @raw_chunks
        finish_head(head, '')
        write_parts(head, body) { |part| part }
      elsif @length
        write_sized(finish_head(head, nil), body)
      elsif body.is_a?(Array) || body.respond_to?(:to_ary)
        write_array(head, body.to_ary)
      else
        finish_head(head, "Transfer-Encoding: chunked\r\n")
        write_parts(head, body) { |part| "#{part.bytesize.to_s(16)}\r\n".b << part.b << "\r\n" }
        write("0\r\n\r\n")
      end
    end

    def write_array(head, parts)
      @length = parts.inject(0) { |sum, part| sum + part.bytesize }
      finish_head(head, nil)
      if @length <= 65_536
        parts.each { |part| head << (part.ascii_only? ? part : part.b) }
        write(head)
      else
        write(head)
        parts.each { |part| write(part) }
      end
    end

    def write_sized(head, body)
      return write_file(head, body) if body.respond_to?(:to_path) && File.size?(body.to_path) == @length
      written = 0
      write_parts(head, body) do |part|
        written += part.bytesize
        written > @length ? (raise LengthMismatch, "more bytes than the Content-Length #{@length}") : part
      end
      raise LengthMismatch, "#{written} bytes, but Content-Length #{@length}" if written != @length
    end

    def write_file(head, body)
      write(head)
      written = File.open(body.to_path, 'rb') { |file| copy(file) }
      raise LengthMismatch, "#{written} bytes, but Content-Length #{@length}" if written != @length
    rescue Errno::EPIPE, Errno::ECONNRESET => error
      raise ClientGone, error.message
    end

    def copy(file)
      return IO.copy_stream(file, @socket, @length) unless RUBY_ENGINE == 'jruby' # where it waits for ever on sockets
      written = 0
      while written < @length && (part = file.read([@length - written, 65_536].min))
        written += @socket.write(part)
      end
      written
    end

    # The head goes out with the first part, each later part when it comes.
    def write_parts(head, body)
      body.each do |part|
        next if part.empty?
        part = yield part
        if head
          part = head << (part.ascii_only? ? part : part.b)
          head = nil
        end
        write(part)
      end
      write(head) if head
    end

    def partial_hijack(head)
      @keep = false
      write(finish_head(head, nil))
      @hijack.call(@socket)
      @keep = nil
    end
  end

  # The app wrote another number of bytes than it had announced.
  class LengthMismatch < StandardError
  end

  # The app gave a header that cannot be sent.
  class InvalidHeader < StandardError
  end
end
