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
    CHUNKED = "Transfer-Encoding: chunked\r\n".freeze
    # What would end a header line too early; names have the form of RFC 9110 §5.1.
    BAD_VALUE = /[\r\n\0]/.freeze
    GOOD_NAME = /\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\z/.freeze
    # How the lines of headers begin, by name, for good names that mean nothing to us. Bounded, because an application may
    # make them up.
    LINE_STARTS = {}
    LINE_STARTS_LOCK = Mutex.new
    MOST_LINE_STARTS = 256

    # What a client gets for an exception, with the ID that the log has it under.
    def self.failure(error_id)
      [500, { 'Content-Type' => 'text/plain' }, ["Internal Server Error\nError ID: #{error_id}\n"]]
    end

    def initialize(socket, keeps_stream)
      @socket = socket
      @keep = keeps_stream
      # Before the whole request is here, an end of file may as well be that of a request which broke off.
      @tells_end = keeps_stream && RUBY_ENGINE != 'jruby'
      @started = false
    end

    # Whether the front has closed its side: writing would not tell, because the daemon takes the bytes and drops them.
    def self.given_up?(socket)
      peeked = socket.recv_nonblock(1, Socket::MSG_PEEK, exception: false)
      peeked.nil? || peeked == ''
    rescue SystemCallError
      false
    end

    class << self
      # How many threads of the process are the server's.
      attr_accessor :own_threads

      # Lines of headers that go ahead of an answer.
      def header_lines(headers)
        new(nil, true).header_lines(headers)
      end
    end
    self.own_threads = 1

    # Whether bytes of the answer have been written.
    def started?
      @started
    end

    def header_lines(headers)
      add_headers(String.new, headers)
    end

    # Answers whether the connection can be used again: true, false, or nil when it belongs to the application.
    def respond(status, headers, body, head_only)
      status = number(status)
      head = head_for(status, headers)
      if @hijack
        partial_hijack(head, status)
      elsif status == 101
        upgrade(head, body)
      elsif status < 200
        raise InvalidAnswer, "#{status} is no final status of an answer"
      elsif head_only || status == 204 || status == 304
        @length = nil if status == 204
        write(finish_head(head, nil))
      else
        write_body(head, body)
      end
      @keep
    end

    private

    def write(bytes)
      raise ClientGone, 'nobody waits for the answer' if @started && @tells_end && self.class.given_up?(@socket)
      @started = true
      put(bytes)
    rescue SystemCallError, IOError => error
      raise ClientGone, error.message
    end

    # All at once, as a rule: a call that may block gives up Ruby's lock first, which JRuby does not have.
    def put(bytes)
      written = RUBY_ENGINE == 'jruby' ? 0 : @socket.write_nonblock(bytes, exception: false)
      return if written == bytes.bytesize
      written = 0 if written == :wait_writable
      @socket.write(written.zero? ? bytes : bytes.byteslice(written, bytes.bytesize))
    end

    # As Rack's own server handlers do it, "200 OK" is a number as well.
    def number(status)
      number = status.respond_to?(:to_i) ? status.to_i : 0
      return number if number.between?(100, 999)
      raise InvalidAnswer, "the status is #{status.inspect[0, 80]} of class #{status.class}, and no number of three " \
        'digits (an application answers [status, headers, body])'
    end

    def head_for(status, headers)
      @length = @hijack = @coding = nil
      @upgrade = false
      add_headers(String.new(capacity: 1024) << STATUS_LINES[status], headers)
    end

    def add_headers(head, headers)
      unless headers.respond_to?(:each)
        raise InvalidAnswer, "the headers are an object of class #{headers.class}, which has no method \"each\""
      end
      headers.each { |name, value| add_header(head, name, value) unless value.nil? }
      head
    end

    def add_header(head, name, value)
      start = LINE_STARTS[name]
      if start && value.is_a?(String) && value.ascii_only? && !BAD_VALUE.match?(value)
        return head << start << value << "\r\n"
      end
      name = name.to_s unless name.is_a?(String)
      # The length of a name rules most of them out for the price of one comparison.
      case name.size
      when 10 then return connection_header(head, joined(value)) if name.casecmp('connection').zero?
      when 11 then return @hijack = value if name == 'rack.hijack'
      when 14 then return content_length(joined(value)) if name.casecmp('content-length').zero?
      when 17 then return transfer_encoding(joined(value)) if name.casecmp('transfer-encoding').zero?
      end
      return if name.start_with?('rack.')
      remember_start(name)
      return add_lines(head, name, value.to_s) unless value.is_a?(Array)
      value.each { |part| add_lines(head, name, part.to_s) unless part.nil? }
    end

    def remember_start(name)
      return if LINE_STARTS.size >= MOST_LINE_STARTS || !name.ascii_only? || !GOOD_NAME.match?(name)
      LINE_STARTS_LOCK.synchronize { LINE_STARTS[-name] = "#{name}: ".b.freeze }
    end

    def joined(value)
      value.is_a?(Array) ? value.compact.join(', ') : value.to_s
    end

    def content_length(text)
      unless /\A\s*\d+\s*\z/.match?(text)
        raise InvalidHeader, "the response header Content-Length is #{text[0, 80].inspect} and no number"
      end
      @length = text.to_i
    end

    # Nobody checks here that the app's own framing is right: the stream ends with such an answer.
    def transfer_encoding(text)
      @coding = text if text.match?(/chunked\s*\z/i) && !BAD_VALUE.match?(text)
    end

    def add_lines(head, name, text)
      text = text.b unless text.ascii_only?
      return add_line(head, name, text) unless text.include?("\n")
      text.split("\n").each { |line| add_line(head, name, line) }
    end

    def add_line(head, name, text)
      raise InvalidHeader, "line break in the response header #{name.inspect}" if BAD_VALUE.match?(text)
      unless name.ascii_only? && GOOD_NAME.match?(name)
        raise InvalidHeader, "bad name of a response header: #{name.inspect}"
      end
      head << name << ': ' << text << "\r\n"
    end

    # Whether the connection is kept is decided here; only an upgrade is passed on.
    def connection_header(head, value)
      @keep = false if value.casecmp('close').zero?
      return unless value.match?(/upgrade/i)
      @upgrade = true
      add_line(head, 'Connection', value)
    end

    def finish_head(head, framing)
      head << framing if framing
      head << 'Content-Length: ' << @length.to_s << "\r\n" if @length && !framing
      head << "Connection: close\r\n" unless @keep || @upgrade
      head << "\r\n"
    end

    # In the order of the Rack specification. A method that is there need not mean that it gives something.
    def write_body(head, body)
      return write_coded(head, body) if @coding
      return write_array(head, body) if body.is_a?(Array)
      return write_array(head, []) if body.nil?
      parts = body.respond_to?(:to_ary) ? body.to_ary : nil
      return write_array(head, parts) if parts.is_a?(Array)
      return if body.respond_to?(:to_path) && write_file(head, body)
      if body.respond_to?(:each)
        write_each(head, body)
      elsif body.respond_to?(:call)
        write_call(head, body)
      else
        raise no_body(body)
      end
    end

    def no_body(body)
      InvalidAnswer.new("the body is an object of class #{body.class}, which has neither the method \"each\" nor \"call\"")
    end

    def write_coded(head, body)
      @keep = false
      head << 'Transfer-Encoding: ' << @coding << "\r\n"
      raise no_body(body) unless body.nil? || body.respond_to?(:each)
      write_parts(finish_head(head, ''), body || []) { |part| part }
    end

    def write_array(head, parts)
      parts = parts.map { |part| part.is_a?(String) ? part : part.to_s } unless parts.all?(String)
      size = parts.size == 1 ? parts[0].bytesize : parts.inject(0) { |sum, part| sum + part.bytesize }
      raise LengthMismatch, "#{size} bytes, but Content-Length #{@length}" unless @length.nil? || @length == size
      @length = size
      finish_head(head, nil)
      if size <= 65_536
        parts.each { |part| head << (part.ascii_only? ? part : part.b) }
        write(head)
      else
        write(head)
        parts.each { |part| write(part) }
      end
    end

    def write_each(head, body)
      return write_sized(finish_head(head, nil), body) if @length
      finish_head(head, CHUNKED)
      write_parts(head, body) { |part| "#{part.bytesize.to_s(16)}\r\n".b << part.b << "\r\n" }
      write("0\r\n\r\n")
    end

    def write_sized(head, body)
      written = 0
      write_parts(head, body) do |part|
        written += part.bytesize
        written > @length ? (raise LengthMismatch, "more bytes than the Content-Length #{@length}") : part
      end
      raise LengthMismatch, "#{written} bytes, but Content-Length #{@length}" if written != @length
    end

    # Answers false, and has written nothing, when there is no such file: `each` has the bytes then.
    def write_file(head, body)
      file = open_file(body.to_path)
      return false unless file
      size = file.size
      return false if @length && @length != size
      @length = size
      write(finish_head(head, nil))
      written = copy(file)
      raise LengthMismatch, "#{written} bytes, but Content-Length #{@length}" if written != @length
      true
    rescue Errno::EPIPE, Errno::ECONNRESET => error
      raise ClientGone, error.message
    ensure
      file.close if file
    end

    def open_file(path)
      File.open(path, 'rb') if path && File.file?(path)
    rescue SystemCallError
      nil
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
        part = part.to_s unless part.is_a?(String)
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

    # A body that writes by itself. It may do that from a thread of its own; when there is none, its return is the end.
    def write_call(head, body)
      stream = BodyStream.new(@socket, finish_head(head, @length ? nil : CHUNKED), @length, @tells_end)
      begin
        body.call(stream)
      ensure
        @started ||= stream.started?
      end
      if stream.closed? || Thread.list.size <= self.class.own_threads
        stream.finish
        @started = true
      else
        stream.hand_over
        @keep = nil
      end
    end

    def upgrade(head, body)
      raise InvalidAnswer, '101 is no final status, and the application took over no connection' unless
        body.respond_to?(:call) && !body.respond_to?(:each)
      @hijack = body
      partial_hijack(head, 101)
    end

    def partial_hijack(head, status)
      unless @hijack.respond_to?(:call)
        raise InvalidAnswer, "rack.hijack is an object of class #{@hijack.class}, which has no method \"call\""
      end
      raise InvalidAnswer, "#{status} is no final status of an answer" if status < 200 && status != 101
      @keep = false
      head << 'Transfer-Encoding: ' << @coding << "\r\n" if @coding
      if status == 101
        add_line(head, 'Connection', 'Upgrade') unless @upgrade
        @upgrade = true
        @length = nil
      end
      write(finish_head(head, @coding ? '' : nil))
      @hijack.call(@socket)
      @keep = nil
    end
  end

  # What the application answered cannot be sent; the message says all, and where the app is wrong no backtrace knows.
  class InvalidAnswer < StandardError
  end

  # The app wrote another number of bytes than it had announced.
  class LengthMismatch < InvalidAnswer
  end

  # The app gave a header that cannot be sent.
  class InvalidHeader < InvalidAnswer
  end
end
