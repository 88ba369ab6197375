# frozen_string_literal: true
# SPDX-License-Identifier: MIT
#
# What an application may ask of the server that runs it; to be used behind "if defined?(PhusionPassenger)".

module PhusionPassenger
  VERSION_STRING = '0.1.0'
  EVENTS = [
    :starting_worker_process, :stopping_worker_process, :starting_request_handler_thread,
    :after_installing_signal_handlers, :oob_work, :before_refork, :credentials, :unhandled_exception_before_exit
  ].freeze
  MOST_REQUESTS = 1_000_000

  # The running application and the settings it was started with.
  module App
    class << self
      attr_accessor :app, :options
    end
  end

  @handlers = Hash.new { |handlers, name| handlers[name] = [] }

  class << self
    # How many requests the application says that it takes at a time; 0: any number. Nil: as the settings say.
    attr_reader :advertised_concurrency_level

    def advertised_concurrency_level=(level)
      unless level.nil? || (level.is_a?(Integer) && level.between?(0, MOST_REQUESTS))
        raise ArgumentError, "advertised_concurrency_level is a number from 0 to #{MOST_REQUESTS}, not #{level.inspect}"
      end
      @advertised_concurrency_level = level
    end

    # Calls the block each time the event happens, after the blocks that were given before.
    def on_event(name, &block)
      check_event(name)
      raise ArgumentError, "No block given for the event '#{name}'" unless block
      @handlers[name] << block
    end

    def call_event(name, *arguments)
      check_event(name)
      @handlers.fetch(name, []).each { |handler| handler.call(*arguments) }
    end

    def require_passenger_lib(name)
      require "phusion_passenger/#{name}"
    end

    # Was needed by ancient versions of Rails.
    def install_framework_extensions!(*); end

    private

    def check_event(name)
      raise ArgumentError, "Unknown event name '#{name}'" unless EVENTS.include?(name)
    end
  end
end
