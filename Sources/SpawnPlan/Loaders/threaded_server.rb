# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require_relative 'request_thread'
require_relative 'server'

module FlyingPassenger
  # Serves as many requests at a time as it has threads (`passenger_concurrency_model thread`).
  #
  # The main thread, which has the signals, waits for all streams on which nothing is under way, and queues those that have
  # something to read. A thread takes one, serves it, and keeps it as long as the next request comes soon: to hand a stream
  # over and back costs as much as a small request. So only one thread uses a stream at any time.
  class ThreadedServer < Server
    # Bound before the application is loaded, as in `Server`.
    QUEUE = Thread::Queue

    def initialize(app, settings, count)
      @count = count
      @settings = settings
      @threads = []
      @queue = QUEUE.new
      @returned = QUEUE.new
      @lock = Mutex.new
      # Streams that are queued or with a thread.
      @given = {}
      @return_reader, @return_writer = IO.pipe
      Responder.own_threads = count + 1
      super(app, settings)
      @streams << @return_reader
    end

    def concurrency
      PhusionPassenger.advertised_concurrency_level || @count
    end

    def run
      @threads = Array.new(@count) { start_thread }
      wait until @stopping
      return @role unless @process == $$
      serve_rest
      finish_threads
      end_process
    end

    def forked
      super
      [@return_reader, @return_writer].each { |io| close_quietly(io) }
      @given.each_key { |stream| close_quietly(stream.socket) unless stream.hijacked }
    end

    # MARK: What its threads call

    public :raised

    # The next stream that has something to read; nil: there will be none.
    def take
      @queue.pop
    end

    def stopping?
      @stopping
    end

    # Seconds for which a thread may wait for its stream alone.
    def patience
      @queue.empty? && !@stopping && WAITS_ALONE ? ALONE_SECONDS : 0
    end

    # A thread has nothing more to do with a stream; one that lingers does so up to `limit`.
    def give_back(stream, limit = nil)
      @returned << [stream, limit]
      forget(stream)
    end

    # A thread has closed a stream, or the application owns it. The main thread looks up in any case: the application may have
    # closed what it waits for, and the kernel tells nobody.
    def forget(stream)
      @lock.synchronize { @given.delete(stream) }
      @return_writer.write_nonblock('.', exception: false)
    rescue SystemCallError, IOError
      lost
    end

    # The application has ended a thread.
    def thread_ended
      @lock.synchronize do
        @threads.delete(Thread.current)
        @threads << start_thread unless @stopping
      end
    end

    def say(error, where, ends, note = '')
      super
      wake if ends
    end

    private

    def start_thread
      Thread.new { RequestThread.new(self, @app, @settings).run }
    end

    def turn(io)
      io.equal?(@return_reader) ? take_back : super
    end

    def turn_stream(stream)
      return super if @lingering.key?(stream)
      @streams.delete(stream)
      @lock.synchronize { @given[stream] = true }
      @queue << stream
    end

    def take_back
      @return_reader.read_nonblock(READ_SIZE, @buffer, exception: false)
      until @returned.empty?
        stream, limit = @returned.pop
        @streams << stream
        @lingering[stream] = limit if limit
      end
    end

    # What is queued by now is still served.
    def finish_threads
      @queue.close
      @lock.synchronize { @threads.dup }.each(&:join)
    rescue Exception => error
      raised(error)
      retry
    end
  end
end
