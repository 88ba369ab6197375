# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # Applications that have only a config/environment.rb: of Rails before version 3.
  module ClassicRails
    OLDEST = [2, 3]

    # Since 2.3 the dispatcher of Rails is a Rack application.
    def self.load(startup_file)
      require File.expand_path(startup_file)
      version = rails_version
      unless defined?(::ActionController::Dispatcher) && dispatcher?
        raise UnsupportedFramework, unsupported(startup_file, version)
      end
      ::ActionController::Dispatcher.new
    end

    def self.rails_version
      return ::Rails::VERSION::STRING if defined?(::Rails::VERSION::STRING)
      ::Rails.version if defined?(::Rails) && ::Rails.respond_to?(:version)
    end

    def self.dispatcher?
      ::ActionController::Dispatcher.method_defined?(:call)
    end

    def self.unsupported(startup_file, version)
      return "#{startup_file} loaded no Rails" if version.nil? && !defined?(::ActionController::Dispatcher)
      numbers = version.to_s.split('.').map { |number| number.to_i }
      return "#{startup_file} loaded Rails #{version}, which is started by config.ru" if numbers.first.to_i >= 3
      "#{startup_file} loaded Rails #{version || 'of an unknown version'}, and the oldest that can run is " \
        "#{OLDEST.join('.')}"
    end
  end
end
