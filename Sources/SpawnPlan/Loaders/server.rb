# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require 'stringio'
require_relative 'listener'
require_relative 'request_body'
require_relative 'responder'

module FlyingPassenger
  # One kept connection of the daemon; requests come one after the other.
  class Stream
    attr_reader :socket, :hijack
    attr_accessor :pending, :hijacked, :environment

    def initialize(socket)
      @socket = socket
      @pending = nil
      @hijacked = false
      @hijack = lambda { take_over }
    end

    def to_io
      @socket
    end

    # Full hijack: from now on the application owns the socket.
    def take_over
      raise IOError, 'the request that could be hijacked has been answered' unless @environment
      @hijacked = true
      @environment['rack.hijack_io'] = @socket
    end

    def finish
      @socket.close
    rescue SystemCallError, IOError
      nil
    end
  end

  # Serves all streams from one thread, one request at a time.
  class Server
    READ_SIZE = 16 * 1024
    MAX_HEAD = 1024 * 1024
    LINGER_SECONDS = 5

    def initialize(app, settings)
      @app = app
      @template = template(settings)
      @listener = Listener.inherited_socket
      @wake_reader, @wake_writer = IO.pipe
      @streams = [@listener, CONTROL, @wake_reader]
      @lingering = {}
      @buffer = String.new(capacity: READ_SIZE)
      @stopping = false
      @process = Process.pid
      trap_signals
      ForkGuard.install(self)
      PhusionPassenger.call_event(:after_installing_signal_handlers)
    end

    def run
      PhusionPassenger.call_event(:starting_request_handler_thread)
      until @stopping
        ready = IO.select(@streams, nil, nil, @lingering.empty? ? nil : 1)
        close_lingering if ready.nil? || !@lingering.empty?
        ready[0].each { |io| turn(io) } if ready
      end
      return unless @process == Process.pid
      # Requests that were on their way before the end was known.
      ready = IO.select(@streams - [@listener, CONTROL, @wake_reader], nil, nil, 0)
      ready[0].each { |stream| turn(stream) } if ready
      PhusionPassenger.call_event(:stopping_worker_process)
    end

    # In a child that the application has forked: it is none of ours, so nothing of ours may be left in it.
    def forked
      @stopping = true
      release_signals
      [CONTROL, @listener.to_io, @wake_reader, @wake_writer].each { |io| close_quietly(io) }
      @streams.each { |stream| close_quietly(stream.socket) if stream.is_a?(Stream) && !stream.hijacked }
    end

    private

    def close_quietly(io)
      io.close
    rescue SystemCallError, IOError
      nil # the application has closed it
    end

    def turn(io)
      case io
      when Stream then @lingering.key?(io) ? drain(io) : serve(io)
      when @listener then accept
      when CONTROL then control
      else @stopping = true
      end
    end

    def accept
      socket = @listener.accept
      @streams << Stream.new(socket) if socket
    end

    def control
      text = CONTROL.sysread(4096)
      @stopping = true if text.include?("shutdown\n")
      dump_threads if text.include?("dump-stacks\n")
    rescue EOFError, SystemCallError
      @stopping = true
    end

    def drop(stream)
      @streams.delete(stream)
      @lingering.delete(stream)
      stream.finish unless stream.hijacked
    end

    def serve(stream)
      data = stream.socket.read_nonblock(READ_SIZE, @buffer, exception: false)
      return if data == :wait_readable
      return drop(stream) if data.nil?
      data = stream.pending << data if stream.pending
      size = data.bytesize < 4 ? nil : data.unpack('N')[0]
      return drop(stream) if size && size > MAX_HEAD
      if size.nil? || data.bytesize < 4 + size
        stream.pending ||= data.dup
        return
      end
      stream.pending = nil
      handle(stream, data.byteslice(4, size), data.byteslice(4 + size, data.bytesize))
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

    def environment(head)
      env = @template.dup
      fields = head.split("\0", -1)
      index = 0
      last = fields.size - 1
      while index < last
        env[fields[index]] = fields[index + 1]
        index += 2
      end
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
      body = length || unbounded ? RequestBody.new(stream, length, rest, framed) : StringIO.new(String.new)
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
    rescue ClientGone, SystemExit, SignalException
      raise
    rescue Exception => error
      log(error, env)
      return nil if stream.hijacked
      return false if responder && responder.started?
      Responder.new(stream.socket, keepable?(body)).respond(*Responder::FAILURE, env['REQUEST_METHOD'] == 'HEAD')
    ensure
      close_content(content, env)
      body.close if body.is_a?(RequestBody) && !stream.hijacked
    end

    # The answer is complete, or has failed for another reason, so that this can only be reported.
    def close_content(content, env)
      content.close if content.respond_to?(:close)
    rescue StandardError => error
      log(error, env)
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
      @lingering[stream] = Process.clock_gettime(Process::CLOCK_MONOTONIC) + LINGER_SECONDS
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
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      @lingering.select { |_, limit| limit < now }.each_key { |stream| drop(stream) }
    end

    def log(error, env)
      lines = ["#{error.class}: #{error.message} (#{env['REQUEST_METHOD']} #{env['PATH_INFO']})"]
      backtrace = error.is_a?(InvalidAnswer) ? [] : error.backtrace || []
      $stderr.puts(lines + backtrace.map { |line| "        from #{line}" })
    rescue StandardError
      nil # whatever the app has put in its place, or a closed one
    end

    def template(settings)
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
        'rack.hijack?' => true
      }.freeze
    end

    def trap_signals
      @handlers = { 'TERM' => own_handler('TERM') { @wake_writer.write_nonblock('.', exception: false) } }
      # The virtual machine of JRuby does that by itself.
      @handlers['QUIT'] = own_handler('QUIT') { dump_threads } unless RUBY_ENGINE == 'jruby'
      @handlers['ABRT'] = own_handler('ABRT') do
        dump_threads
        default('ABRT')
      end
      @handlers.each { |name, handler| trap(name, handler) }
      trap('HUP', 'IGNORE')
    end

    # Only in the process that it was meant for: before Ruby 3.1 nothing tells us of a fork.
    def own_handler(name)
      lambda { |_| Process.pid == @process ? yield : default(name) }
    end

    def default(name)
      trap(name, 'DEFAULT')
      Process.kill(name, Process.pid)
    end

    # Handlers that the application has put in the place of ours stay.
    def release_signals
      @handlers.each do |name, handler|
        current = trap(name, 'DEFAULT')
        trap(name, current) unless current.equal?(handler)
      end
      current = trap('HUP', 'DEFAULT')
      trap('HUP', current) unless current == 'IGNORE'
    end

    def dump_threads
      Thread.list.each do |thread|
        # The constant, because the app may have put something else in the place of $stderr.
        STDERR.syswrite("Thread #{thread.inspect}\n    #{(thread.backtrace || []).join("\n    ")}\n")
      end
    rescue SystemCallError, IOError
      nil # the app has closed it
    end
  end

  # Tells the server of each child that the application forks; possible since Ruby 3.1.
  module ForkGuard
    def self.install(server)
      return unless Process.respond_to?(:_fork)
      define_method(:_fork) do
        pid = super()
        server.forked if pid == 0
        pid
      end
      Process.singleton_class.prepend(self)
    end
  end
end
