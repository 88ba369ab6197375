# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require 'stringio'
require_relative 'early_hints'
require_relative 'environment'
require_relative 'request_body'
require_relative 'responder'

module FlyingPassenger
  # Reads requests from streams, one at a time, lets the application answer them, and writes the answers.
  #
  # Who includes this says what becomes of a stream (`drop`, `linger`), is told of each request (`count`), and reports what the
  # application has raised (`say`).
  module Requests
    READ_SIZE = 16 * 1024
    MAX_HEAD = 1024 * 1024
    NO_BYTES = ''.b.freeze
    # The application may put others in their place.
    NEW_SEED = Random.method(:new_seed)
    CLOCK = Process.method(:clock_gettime)
    MONOTONIC = Process::CLOCK_MONOTONIC

    private

    def prepare_requests(app, settings)
      @app = app
      @process = $$
      @offers_hints = settings['early_hints'] == 'on'
      @environments = Environments.new(constants(settings))
      @buffer = String.new(capacity: READ_SIZE)
      @responder = nil
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
      env['rack.early_hints'] = stream.hints = EarlyHints.new(stream) if @offers_hints
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
      @responder = content = nil
      status, headers, content = @app.call(env)
      return nil if stream.hijacked
      stream.hints.close if @offers_hints
      @responder = Responder.new(stream.socket, keepable?(body))
      keep = @responder.respond(status, headers, content, env['REQUEST_METHOD'] == 'HEAD')
      stream.hijacked = true if keep.nil?
      keep
    rescue ClientGone
      raise
    rescue Exception => error
      error_id = failed(error, env)
      return nil if stream.hijacked
      return false if @responder && @responder.started?
      fail_request(stream, env, keepable?(body), error_id)
    ensure
      close_content(content, env)
      body.close if body.is_a?(RequestBody) && !stream.hijacked
    end

    def fail_request(stream, env, keeps_stream, error_id)
      stream.hints.close if @offers_hints
      answer = Responder.failure(error_id)
      Responder.new(stream.socket, keeps_stream).respond(*answer, env['REQUEST_METHOD'] == 'HEAD')
    end

    # Answers the ID that the exception is reported under.
    def failed(error, env)
      raise error unless @process == $$ # a child that the application has forked, and that is to end as it wants
      error_id = new_error_id
      where = "#{env['REQUEST_METHOD']} #{env['PATH_INFO']}"
      say(error, where, error.is_a?(SignalException), ", error ID #{error_id}")
      announce(error_id) { "#{error.class}: #{error.message}" }
      error_id
    end

    def new_error_id
      (NEW_SEED.call & 0xffffffff).to_s(16).rjust(8, '0')
    end

    # Has the daemon log what the block says, once a second at most: the channel is for few words.
    def announce(error_id)
      now = CLOCK.call(MONOTONIC)
      return if @announced && now - @announced < 1
      @announced = now
      Control.tell("exception #{error_id} #{Control.escape(yield, 200)}")
    rescue StandardError
      nil # its message raises in turn; the output has its class
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

    def constants(settings)
      {
        'SCRIPT_NAME' => '',
        'QUERY_STRING' => '',
        'SERVER_SOFTWARE' => settings['server_software'].to_s,
        'rack.version' => defined?(::Rack::VERSION) && ::Rack::VERSION.is_a?(Array) ? ::Rack::VERSION : [1, 3],
        'rack.errors' => $stderr,
        'rack.multithread' => settings['thread_count'].to_i > 1,
        'rack.multiprocess' => true,
        'rack.run_once' => false,
        'rack.url_scheme' => 'http',
        'rack.hijack?' => true,
        'rack.hijack' => nil,
        'rack.input' => nil,
        'HTTP_VERSION' => nil
      }.merge(@offers_hints ? { 'rack.early_hints' => nil } : {}).freeze
    end
  end
end
