# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module PhusionPassenger
  module Rack
    # Collects garbage between requests, while another process serves:
    #
    #   use PhusionPassenger::Rack::OutOfBandGc, 5
    #   use PhusionPassenger::Rack::OutOfBandGc, strategy: :counting, frequency: 5
    #   use PhusionPassenger::Rack::OutOfBandGc, strategy: :gctools_oobgc
    #
    # The first two ask for it after every fifth request, the last one leaves it to the gem gctools. Nothing is loaded for this
    # file, and it works without a line in the Gemfile.
    class OutOfBandGc
      # As Rack 3 wants it; case makes no difference to the server.
      HEADER = 'x-passenger-request-oob-work'

      def initialize(app, options = {}, logger = nil)
        options = { strategy: :counting, frequency: options } unless options.is_a?(Hash)
        @app = app
        @logger = options[:logger] || logger
        @count = 0
        @mutex = Mutex.new
        set_up(options)
      end

      def call(env)
        status, headers, body = @app.call(env)
        headers = asking(headers) if due?
        [status, headers, body]
      end

      private

      def set_up(options)
        strategy = options.fetch(:strategy, :counting)
        case strategy
        when :counting
          @frequency = Integer(options.fetch(:frequency))
          raise ArgumentError, "frequency is #{@frequency}, but must be 1 or more" if @frequency < 1
          PhusionPassenger.on_event(:oob_work) { measured { collect } }
        when :gctools_oobgc
          raise ArgumentError, 'The strategy :gctools_oobgc needs the gem gctools in your Gemfile.' unless defined?(::GC::OOB)
          @frequency = 1
          ::GC::OOB.setup
          PhusionPassenger.on_event(:oob_work) { measured { ::GC::OOB.run } }
        else
          raise ArgumentError, "Unknown strategy #{strategy.inspect}: use :counting or :gctools_oobgc"
        end
      end

      # Those of an application may be frozen, or no hash at all.
      def asking(headers)
        headers.respond_to?(:merge) ? headers.merge(HEADER => 'true') : headers.to_a + [[HEADER, 'true']]
      end

      # Every so many requests of the process, whatever thread they are in.
      def due?
        @mutex.synchronize do
          @count = (@count + 1) % @frequency
          @count.zero?
        end
      end

      # An application that has disabled it for the time of its requests does not find it enabled afterwards.
      def collect
        was_disabled = ::GC.enable
        ::GC.start
      ensure
        ::GC.disable if was_disabled
      end

      def measured
        began = clock
        result = yield
        @logger.info("Garbage was collected out of band in #{((clock - began) * 1000).round} ms") if @logger
        result
      end

      def clock
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end
  end
end
