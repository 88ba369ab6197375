# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require_relative 'requests'

module FlyingPassenger
  # One of the threads of a `ThreadedServer`.
  class RequestThread
    include Requests

    def initialize(server, app, settings)
      @server = server
      prepare_requests(app, settings)
    end

    def run
      PhusionPassenger.call_event(:starting_request_handler_thread)
      nil while turn
      @ended = true
    rescue Exception => error
      raise unless @process == $$ # as in `failed`
      @ended = true
      say(error, 'in :starting_request_handler_thread', true)
    ensure
      killed unless @ended || @process != $$
    end

    private

    # Answers false when this was the last one.
    def turn
      stream = @server.take
      serve_all(stream) if stream
      stream && @process == $$
    rescue Exception => error
      raise unless @process == $$ # as in `failed`
      drop(@stream) if @stream
      @server.raised(error)
      true
    end

    # Serves a stream as long as requests come.
    def serve_all(stream)
      @stream = stream
      loop do
        is_last = @server.stopping?
        @unanswered = nil
        serve(stream)
        break unless @stream && @process == $$
        break if is_last || !stream.socket.wait_readable(@server.patience)
      end
      @server.give_back(stream) if @stream && @process == $$
      @stream = nil
    end

    def process(stream, env, body)
      @unanswered = env
      keep = super
      @unanswered = nil
      keep
    end

    def drop(stream)
      @stream = nil
      @server.forget(stream)
      stream.finish unless stream.hijacked
    end

    # Closing with unread bytes would reset the connection and with it the answer.
    def linger(stream)
      stream.socket.close_write
      @stream = nil
      @server.give_back(stream, CLOCK.call(MONOTONIC) + Server::LINGER_SECONDS)
    rescue SystemCallError, IOError
      drop(stream)
    end

    def count(_stream); end

    def say(*arguments)
      @server.say(*arguments)
    end

    # By `Thread.exit` or `kill`, of which no exception tells.
    def killed
      answer_killed if @stream && @unanswered && !@stream.hijacked
    rescue ClientGone
      nil # nobody waits for it
    ensure
      drop(@stream) if @stream
      @server.thread_ended
    end

    def answer_killed
      error_id = new_error_id
      said = "the application has ended the thread of #{@unanswered['REQUEST_METHOD']} #{@unanswered['PATH_INFO']}"
      Output.tell("#{said}, error ID #{error_id}")
      announce(error_id) { said }
      fail_request(@stream, @unanswered, false, error_id) unless @responder && @responder.started?
    end
  end
end
