# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # What one request has as `rack.early_hints`: sends headers ahead of the answer, with status 103 (RFC 8297).
  class EarlyHints
    def initialize(stream)
      @stream = stream
    end

    # `headers` as those of an answer. They are optional, so whatever is too late for them is no error: the answer has begun,
    # the connection is the application's own, the client has gone.
    def call(headers)
      return if @stream.nil? || @stream.hijacked
      lines = Responder.header_lines(headers)
      @stream.socket.write("HTTP/1.1 103 Early Hints\r\n#{lines}\r\n".b) unless lines.empty?
      nil
    rescue SystemCallError, IOError
      nil
    end

    # The application has answered.
    def close
      @stream = nil
    end
  end
end
