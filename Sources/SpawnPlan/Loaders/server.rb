# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require_relative 'body_stream'
require_relative 'listener'
require_relative 'requests'
require_relative 'signals'
require_relative 'stream'

module FlyingPassenger
  # Serves all streams from one thread, one request at a time.
  #
  # The application is in the same thread and may do anything to it. What a request raises, `exit` included, is answered with
  # 500, as puma does it. A signal that nobody handles, or a descriptor of ours that is closed, ends the process: after the
  # answer under way and those of requests that have come, and with a line that says why.
  class Server
    include Requests

    LINGER_SECONDS = 5
    # After so many requests in a row on one stream the next one is expected there as well. To wait for one stream alone
    # costs half of what it costs to wait for all; these get a look now and then, and when nothing comes in time.
    STREAK = 8
    LOOK_AROUND = 32
    ALONE_SECONDS = 0.001
    WAITS_ALONE = RUBY_ENGINE != 'jruby' # whose selectors cost the same either way
    # Bound before the application is loaded, which may put others in their place (Timecop).
    SELECT = IO.method(:select)
    CLOCK = Process.method(:clock_gettime)
    # fcntl(2), the same on all systems.
    GET_DESCRIPTOR_FLAGS = 1

    # With threads, if the settings say so.
    def self.for(app, settings, preloader = nil)
      threads = settings['thread_count'].to_i
      server = threads > 1 ? ThreadedServer.new(app, settings, threads) : new(app, settings)
      server.extend(Refork).preloader = preloader if preloader
      server
    end

    def initialize(app, settings)
      prepare_requests(app, settings)
      @listener = Listener.inherited_socket
      @wake_reader, @wake_writer = IO.pipe
      @streams = [@listener, CONTROL, @wake_reader]
      @lingering = {}
      @favorite = nil
      @streak = 0
      @stopping = false
      @role = nil
      @ending = nil
      @signals = Signals.new { wake }
      ForkGuard.install(self)
      PhusionPassenger.call_event(:after_installing_signal_handlers)
    end

    # How many requests the process takes at a time; 0: no limit.
    def concurrency
      PhusionPassenger.advertised_concurrency_level || 1
    end

    # Answers :preloader in a process that has become one.
    def run
      PhusionPassenger.call_event(:starting_request_handler_thread)
      wait until @stopping
      return @role unless @process == $$
      serve_rest
      end_process
    end

    # In a child that the application has forked: it is none of ours, so nothing of ours may be left in it.
    def forked
      @stopping = true
      @signals.release
      [CONTROL, @listener.to_io, @wake_reader, @wake_writer].each { |io| close_quietly(io) }
      @streams.each { |stream| close_quietly(stream.socket) if stream.is_a?(Stream) && !stream.hijacked }
    end

    # Whether a fork that comes now is the server's own.
    def reforks?
      false
    end

    private

    def end_process
      PhusionPassenger.call_event(:stopping_worker_process)
    rescue Exception => error
      raised(error)
    ensure
      raise @ending if @ending
    end

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
      ready[0].each { |io| turn(io) unless @role } if ready
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
      text = read_control
      @stopping = true if text.include?("shutdown\n")
      @signals.dump_threads if text.include?("dump-stacks\n")
      work_out_of_band if text.include?("oobw\n")
    rescue EOFError, SystemCallError
      @stopping = true
    end

    def read_control
      CONTROL.sysread(4096)
    end

    # No request comes before the answer to this.
    def work_out_of_band
      PhusionPassenger.call_event(:oob_work)
    rescue Exception => error
      raise unless @process == $$ # as in `failed`
      say(error, 'in out-of-band work', error.is_a?(SystemExit) || error.is_a?(SignalException))
    ensure
      Control.tell('oobw-done') if @process == $$
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
    def say(error, where, ends, note = '')
      if ends
        @ending ||= error
        @stopping = true
      end
      says_all = error.is_a?(InvalidAnswer) || (error.is_a?(SystemExit) && ends)
      backtrace = says_all ? [] : error.backtrace || []
      Output.tell(
        "#{error.class}: #{error.message}".b << " (#{where.b})" << (ends ? ': the process ends' : '') << note,
        *backtrace.map { |line| "        from #{line}" }
      )
    rescue StandardError
      Output.tell("#{error.class} (#{where})#{note}") # its message or backtrace raises in turn
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

    # MARK: Streams

    def drop(stream)
      @streams.delete(stream)
      @lingering.delete(stream)
      @streak = 0 if stream.equal?(@favorite)
      stream.finish unless stream.hijacked
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
  end
end
