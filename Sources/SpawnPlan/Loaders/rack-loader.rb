# frozen_string_literal: true
# SPDX-License-Identifier: MIT
#
# Loads a Rack application and serves it. Handshake steps, reported on descriptor 4:
#   loader          settings are read (NAME VALUE lines up to "start")
#   load-libraries  Bundler as the app wants it, then Ruby's socket and our own library, then Rack
#   load-app        the startup file is evaluated
#   listen          signal handlers are set, descriptor 3 (bound and listening already) is served from now on
# and "ready concurrency=1 framing=1". End of file on descriptor 4 means: stop.
#
# This file is in the syntax of Ruby 1.8, so that every interpreter reaches the check of its version.

module FlyingPassenger
  OLDEST_RUBY = [2, 5]
  CONTROL = IO.for_fd(4, 'r+')

  if (RUBY_VERSION.split('.').map { |number| number.to_i } <=> OLDEST_RUBY) < 0
    name = "Ruby #{RUBY_VERSION}"
    name = "JRuby #{JRUBY_VERSION}, which is #{name}" if defined?(JRUBY_VERSION)
    oldest = OLDEST_RUBY.join('.')
    [
      'error category configuration',
      'error kind interpreter-unsupported',
      "error summary the interpreter is #{name}, but Ruby #{oldest} or newer is needed",
      "error remedy Set passenger_ruby to the path of a Ruby that is #{oldest} or newer (ruby -v shows its version).",
      'step loader failed'
    ].each { |line| CONTROL.syswrite(line + "\n") }
    exit!(1)
  end
end

require File.dirname(File.expand_path(__FILE__)) + '/ruby/flying_passenger/boot'
FlyingPassenger::Boot.serve
