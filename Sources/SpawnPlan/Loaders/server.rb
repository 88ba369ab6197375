# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require 'stringio'
require_relative 'body_stream'
require_relative 'environment'
require_relative 'listener'
require_relative 'request_body'
require_relative 'responder'
require_relative 'signals'
require_relative 'stream'

module FlyingPassenger
  # Serves all streams from one thread, one request at a time.
  #
  # The application is in the same thread and may do anything to it. What a request raises, `exit` included, is answered with
  # 500, as puma does it. A signal that nobody handles, or a descriptor of ours that is closed, ends the process: after the
  # answer under way and those of requests that have come, and with a line that says why.
  class Server
    READ_SIZE = 16 * 1024
    MAX_HEAD = 1024 * 1024
    LINGER_SECONDS = 5
    # After so many requests in a row on one stream the next one is expected there as well. To wait for one stream alone
    # costs half of what it costs to wait for all; these get a look now and then, and when nothing comes in time.
    STREAK = 8
    LOOK_AROUND = 32
    ALONE_SECONDS = 0.001
    WAITS_ALONE = RUBY_ENGINE != 'jruby' # whose selectors cost the same either way
    NO_BYTES = ''.b.freeze
    # Bound before the application is loaded, which may put others in their place (Timecop).
    SELECT = IO.method(:select)
    CLOCK = Process.method(:clock_gettime)
    # fcntl(2), the same on all systems.
    GET_DESCRIPTOR_FLAGS = 1

    def initialize(app, settings)
      @app = app
      @environments = Environments.new(constants(settings))
      @listener = Listener.inherited_socket
      @wake_reader, @wake_writer = IO.pipe
      @streams = [@listener, CONTROL, @wake_reader]
      @lingering = {}
      @favorite = nil
      @streak = 0
      @buffer = String.new(capacity: READ_SIZE)
      @stopping = false
      @ending = nil
      @process = $$
      @signals = Signals.new { wake }
      ForkGuard.install(self)
      PhusionPassenger.call_event(:after_installing_signal_handlers)
    end

    def run
      PhusionPassenger.call_event(:starting_request_handler_thread)
      wait until @stopping
      return unless @process == $$
      serve_rest
      PhusionPassenger.call_event(:stopping_worker_process)
      raise @ending if @ending
    end

    # In a child that the application has forked: it is none of ours, so nothing of ours may be left in it.
    def forked
      @stopping = true
      @signals.release
      [CONTROL, @listener.to_io, @wake_reader, @wake_writer].each { |io| close_quietly(io) }
      @streams.each { |stream| close_quietly(stream.socket) if stream.is_a?(Stream) && !stream.hijacked }
    end

    private

    def wake
      @stopping = true
      @wake_writer.write_nonblock('.', exception: false)
    rescue SystemCallError, IOError
      nil # the application has closed it, which ends the process as well
    end

    # One turn of the loop. What is raised here belongs to no request: it comes from a thread or a signal handler.
    def wait
      return turn_stream(@favorite) if favorite_comes?
      ready = SELECT.call(@streams, nil, nil, @lingering.empty? ? nil : 1)
      close_lingering if ready.nil? || !@lingering.empty?
      ready[0].each { |io| turn(io) } if ready
    rescue Listener::Lost
      lost
    rescue Exception => error
      raise unless @process == $$ # as in `failed`
      lost_streams = @streams.select { |io| closed?(io) }
      return raised(error) if lost_streams.empty?
      lost_streams.each { |io| io.is_a?(Stream) ? drop(io) : lost }
    end

    # Whether the stream of the last requests has the next one, too.
    def favorite_comes?
      return false if @streak < STREAK || (@streak % LOOK_AROUND).zero? || !@lingering.empty? || !WAITS_ALONE
      comes = @favorite.socket.wait_readable(ALONE_SECONDS)
      @streak = 0 unless comes
      comes
    end

    # Counts the requests in a row on one stream.
    def count(stream)
      @streak = stream.equal?(@favorite) ? @streak + 1 : 1
      @favorite = stream
    end

    def turn(io)
      case io
      when Stream then turn_stream(io)
      when @listener then accept
      when CONTROL then control
      else @stopping = true
      end
    end

    def turn_stream(stream)
      @lingering.key?(stream) ? drain(stream) : serve(stream)
    rescue Exception
      drop(stream) # or its client would wait for ever
      raise
    end

    def accept
      socket = @listener.accept
      @streams << Stream.new(socket) if socket
    end

    def control
      text = CONTROL.sysread(4096)
      @stopping = true if text.include?("shutdown\n")
      @signals.dump_threads if text.include?("dump-stacks\n")
    rescue EOFError, SystemCallError
      @stopping = true
    end

    # Requests that were on their way before the end was known.
    def serve_rest
      streams = @streams.select { |io| io.is_a?(Stream) && !closed?(io) }
      ready = SELECT.call(streams, nil, nil, 0)
      ready[0].each { |stream| turn_stream(stream) } if ready
    rescue Exception => error
      raised(error)
    end

    # MARK: What the application does to its server

    def raised(error)
      ends = error.is_a?(SystemExit) || error.is_a?(SignalException) || Thread.abort_on_exception
      say(error, 'outside of any request', ends)
    end

    # Reports an exception, and whether it is the process's last.
    def say(error, where, ends)
      if ends
        @ending ||= error
        @stopping = true
      end
      says_all = error.is_a?(InvalidAnswer) || (error.is_a?(SystemExit) && ends)
      backtrace = says_all ? [] : error.backtrace || []
      Output.tell(
        "#{error.class}: #{error.message}".b << " (#{where.b})" << (ends ? ': the process ends' : ''),
        *backtrace.map { |line| "        from #{line}" }
      )
    rescue StandardError
      Output.tell("#{error.class} (#{where})") # its message or backtrace raises in turn
    end

    def lost
      return if @stopping
      @stopping = true
      Output.tell('the application has closed a descriptor of its server: the process ends')
    end

    def closed?(io)
      io = io.to_io
      io.closed? || !io.fcntl(GET_DESCRIPTOR_FLAGS)
    rescue SystemCallError, IOError
      true
    end

    def close_quietly(io)
      io.close
    rescue SystemCallError, IOError
      nil # the application has closed it
    end

    # MARK: Requests

    def drop(stream)
      @streams.delete(stream)
      @lingering.delete(stream)
      @streak = 0 if stream.equal?(@favorite)
      stream.finish unless stream.hijacked
    end

    def serve(stream)
      data = stream.socket.read_nonblock(READ_SIZE, @buffer, exception: false)
      return if data == :wait_readable
      return drop(stream) if data.nil?
      data = stream.pending << data if stream.pending
      size = data.bytesize < 4 ? nil : data.unpack1('N')
      return drop(stream) if size && size > MAX_HEAD
      if size.nil? || data.bytesize < 4 + size
        stream.pending ||= data.dup
        return
      end
      stream.pending = nil
      count(stream)
      handle(stream, *parted(data, size))
    rescue SystemCallError, IOError
      drop(stream)
    end

    def handle(stream, head, rest)
      env = environment(head)
      body = request_body(env, stream, rest)
      env['rack.hijack'] = stream.hijack
      stream.environment = env
      keep = process(stream, env, body)
      finish(stream, keep, body)
    rescue ClientGone
      drop(stream)
    ensure
      stream.environment = nil
    end

    # The head, and the bytes behind it. A slice would share the read buffer, which had to be made anew then.
    def parted(data, size)
      return [data.unpack1('x4a*'), NO_BYTES] if data.bytesize == 4 + size
      [data.byteslice(4, size), data.byteslice(4 + size, data.bytesize)]
    end

    def environment(head)
      env = @environments.make(head)
      env['HTTP_VERSION'] = env['SERVER_PROTOCOL']
      env['rack.url_scheme'] = 'https' if env['HTTPS'] == 'on'
      keep_escapes(env, env.delete('FLYING_PASSENGER_RAW_PATH_INFO')) if env['REQUEST_URI'].to_s.include?('%')
      env
    end

    # Rack applications decode the path themselves; a second time would be wrong. Older fronts do not say where it begins.
    def keep_escapes(env, raw_path)
      return env['PATH_INFO'] = raw_path if raw_path

      path = env['REQUEST_URI'].split('?', 2).first
      prefix = env['SCRIPT_NAME']
      return unless path.start_with?(prefix)
      rest = path.byteslice(prefix.bytesize, path.bytesize)
      env['PATH_INFO'] = rest if rest.start_with?('/')
    end

    def request_body(env, stream, rest)
      length = env['CONTENT_LENGTH']
      length &&= length.to_i
      unbounded = !length && env.key?('HTTP_TRANSFER_ENCODING')
      raise ClientGone, 'bytes follow the request' if !unbounded && rest.bytesize > (length || 0)
      framed = unbounded && env.delete('FLYING_PASSENGER_BODY') == 'framed'
      body = length || unbounded ? RequestBody.new(stream, length, rest, framed) : StringIO.new(String.new, 'r+b')
      env['rack.input'] = body
    end

    # Answers what becomes of the stream: true: is kept; false: is closed; nil: belongs to the application.
    def process(stream, env, body)
      responder = content = nil
      status, headers, content = @app.call(env)
      return nil if stream.hijacked
      responder = Responder.new(stream.socket, keepable?(body))
      keep = responder.respond(status, headers, content, env['REQUEST_METHOD'] == 'HEAD')
      stream.hijacked = true if keep.nil?
      keep
    rescue ClientGone
      raise
    rescue Exception => error
      failed(error, env)
      return nil if stream.hijacked
      return false if responder && responder.started?
      Responder.new(stream.socket, keepable?(body)).respond(*Responder::FAILURE, env['REQUEST_METHOD'] == 'HEAD')
    ensure
      close_content(content, env)
      body.close if body.is_a?(RequestBody) && !stream.hijacked
    end

    def failed(error, env)
      raise error unless @process == $$ # a child that the application has forked, and that is to end as it wants
      say(error, "#{env['REQUEST_METHOD']} #{env['PATH_INFO']}", error.is_a?(SignalException))
    end

    # The answer is complete, or has failed for another reason, so that this can only be reported.
    def close_content(content, env)
      content.close if content.respond_to?(:close)
    rescue Exception => error
      failed(error, env)
    end

    def keepable?(body)
      body.is_a?(StringIO) || !body.unread?
    end

    def finish(stream, keep, body)
      return if keep && body.is_a?(StringIO)
      if keep.nil?
        drop(stream)
      elsif !keep || body.unread?
        linger(stream)
      end
    end

    # Closing with unread bytes would reset the connection and with it the answer.
    def linger(stream)
      stream.socket.close_write
      @lingering[stream] = CLOCK.call(Process::CLOCK_MONOTONIC) + LINGER_SECONDS
    rescue SystemCallError, IOError
      drop(stream)
    end

    def drain(stream)
      64.times do
        data = stream.socket.read_nonblock(READ_SIZE, @buffer, exception: false)
        return drop(stream) if data.nil?
        return if data == :wait_readable
      end
    rescue SystemCallError, IOError
      drop(stream)
    end

    def close_lingering
      now = CLOCK.call(Process::CLOCK_MONOTONIC)
      @lingering.select { |_, limit| limit < now }.each_key { |stream| drop(stream) }
    end

    def constants(settings)
      {
        'SCRIPT_NAME' => '',
        'QUERY_STRING' => '',
        'SERVER_SOFTWARE' => settings['server_software'].to_s,
        'rack.version' => defined?(::Rack::VERSION) && ::Rack::VERSION.is_a?(Array) ? ::Rack::VERSION : [1, 3],
        'rack.errors' => $stderr,
        'rack.multithread' => false,
        'rack.multiprocess' => true,
        'rack.run_once' => false,
        'rack.url_scheme' => 'http',
        'rack.hijack?' => true,
        'rack.hijack' => nil,
        'rack.input' => nil,
        'HTTP_VERSION' => nil
      }.freeze
    end
  end
end
