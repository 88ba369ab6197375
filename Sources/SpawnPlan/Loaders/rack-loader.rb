# frozen_string_literal: true
# SPDX-License-Identifier: MIT
#
# Loads a Rack application and serves it. Handshake steps, reported on descriptor 4:
#   loader          settings are read (NAME VALUE lines up to "start")
#   load-libraries  Bundler as the app wants it, then Ruby's socket and our own library, then Rack
#   load-app        the startup file is evaluated
#   listen          signal handlers are set, descriptor 3 (bound and listening already) is served from now on
# and "ready concurrency=1". End of file on descriptor 4 means: stop.
#
# No library is loaded before the Bundler step, because it could activate a gem in another version than the Gemfile's.
# The syntax is that of Ruby 1.9, so that an old interpreter reaches the next lines.

module FlyingPassenger
  OLDEST_RUBY = [2, 5]
  CONTROL = IO.for_fd(4, 'r+')
  CONTROL.close_on_exec = true if CONTROL.respond_to?(:close_on_exec=)

  # The loader's end of the control channel.
  module Control
    ESCAPES = { '\\' => '\\\\', "\n" => '\\n' }.freeze

    def self.tell(line)
      CONTROL.syswrite("#{line}\n")
    rescue SystemCallError, IOError
      nil # the daemon has gone; the main loop will see the end of file
    end

    def self.step(name)
      tell("step #{name} begin")
      result = yield
      tell("step #{name} done")
      result
    end

    def self.read_settings
      settings = {}
      text = String.new
      text << CONTROL.sysread(4096) until text.end_with?("\nstart\n")
      text.each_line do |line|
        name, value = line.chomp.split(' ', 2)
        settings[name] = value.gsub(/\\(.)/) { $1 == 'n' ? "\n" : $1 }.force_encoding('UTF-8') if value
      end
      settings
    end

    # Reports a failure and ends the process.
    def self.fail_step(step, category, summary, detail, remedies = [])
      tell("error category #{category}")
      tell("error summary #{escape(summary)}")
      remedies.each { |remedy| tell("error remedy #{escape(remedy)}") }
      tell("error detail #{escape(detail[0, 32_768])}") unless detail.empty?
      tell("step #{step} failed")
      exit!(1)
    end

    def self.escape(text)
      text = text.encode('UTF-8', invalid: :replace, undef: :replace) unless text.encoding == Encoding::UTF_8
      text = text.scrub('?') if text.respond_to?(:scrub)
      text.gsub(/[\\\n]/) { |char| ESCAPES[char] }
    end
  end

  if (RUBY_VERSION.split('.').map { |number| number.to_i } <=> OLDEST_RUBY) < 0
    Control.fail_step('loader', 'configuration',
                      "this Ruby is #{RUBY_VERSION}, but Ruby #{OLDEST_RUBY.join('.')} or newer is needed", '',
                      ['Set passenger_ruby to a newer Ruby.'])
  end

  # What happens before the application is ready.
  module Boot
    def self.run
      $stdout.sync = $stderr.sync = true
      @step = 'loader'
      settings = Control.step(@step) { Control.read_settings }
      name_process(settings['title'])
      step('load-libraries') { load_libraries(settings) }
      app = step('load-app') { load_app(settings['startup_file'], settings['app_type']) }
      PhusionPassenger::App.app = app
      name_process(settings['title'])
      PhusionPassenger.call_event(:starting_worker_process, false)
      server = step('listen') { Server.new(app, settings) }
      Control.tell('ready concurrency=1')
      server
    rescue SystemExit, SignalException
      report($!, "the application ended itself (#{$!.class}) before it was ready")
    rescue Exception
      report($!, "#{$!.class}: #{$!.message}".each_line.first.to_s.chomp)
    end

    def self.step(name, &block)
      @step = name
      Control.step(name, &block)
    end

    def self.name_process(title)
      $0 = title
      File.write('/proc/self/comm', title[0, 15])
    rescue SystemCallError
      nil # no Linux, or no /proc
    end

    # Just one of these; an empty config/setup_load_paths.rb switches Bundler off.
    def self.set_up_bundler
      if File.exist?('config/setup_load_paths.rb')
        require File.expand_path('config/setup_load_paths.rb')
      elsif File.exist?('.bundle/environment.rb')
        require File.expand_path('.bundle/environment.rb')
      elsif gemfile?
        require 'bundler'
        Bundler.setup
      end
    end

    def self.gemfile?
      !ENV['BUNDLE_GEMFILE'].to_s.empty? || File.exist?('Gemfile') || File.exist?('gems.rb')
    end

    def self.load_libraries(settings)
      set_up_bundler
      # Bundler prunes the load path, so this comes after it.
      $LOAD_PATH.push(settings['ruby_library'])
      require 'phusion_passenger'
      PhusionPassenger::App.options = settings
      require 'flying_passenger/server'
      require 'rack'
    end

    def self.load_app(startup_file, app_type)
      return classic_rails_app(startup_file) if app_type == 'classic-rails'
      source = File.read(startup_file, encoding: 'BOM|UTF-8').sub(/^__END__\n.*\z/m, '')
      app = ::Rack::Builder.new_from_string(source, startup_file)
      app.is_a?(Array) ? app.first : app
    end

    def self.classic_rails_app(startup_file)
      require File.expand_path(startup_file)
      unless defined?(::ActionController::Dispatcher)
        raise LoadError, 'config/environment.rb did not load Rails 2.3: newer versions of Rails need a config.ru'
      end
      ::ActionController::Dispatcher.new
    end

    def self.report(error, summary)
      lines = ["#{error.message} (#{error.class})"] + (error.backtrace || [])
      $stderr.puts(lines.first, lines.drop(1).map { |line| "        from #{line}" })
      call_exit_event
      Control.fail_step(@step, 'app', summary, lines.join("\n"))
    end

    def self.call_exit_event
      PhusionPassenger.call_event(:unhandled_exception_before_exit) if defined?(PhusionPassenger)
    rescue StandardError
      nil # the first failure is the one to report
    end
  end
end

FlyingPassenger::Boot.run.run
