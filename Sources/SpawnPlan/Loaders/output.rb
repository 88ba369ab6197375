# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # Lines of ours among the application's output. It may have closed its error stream, or put another in its place.
  module Output
    def self.tell(*lines)
      text = String.new
      lines.each { |line| text << line.to_s.b << "\n" }
      text = text.force_encoding('UTF-8').scrub('?')
      write($stderr, text) || write(STDERR, text)
    end

    # Answers false where nobody would read it.
    def self.write(stream, text)
      return false if defined?(::StringIO) && ::StringIO === stream
      stream.write(text)
      stream.flush if stream.respond_to?(:flush)
      true
    rescue StandardError
      false
    end

    # What the application has printed comes before what is said about it.
    def self.flush
      $stdout.flush
      $stderr.flush
    rescue StandardError
      nil # whatever the app has put in their place, or closed ones
    end
  end
end
