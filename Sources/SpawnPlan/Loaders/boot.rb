# frozen_string_literal: true
# SPDX-License-Identifier: MIT
#
# No library is loaded before the Bundler step, because it could activate a gem in another version than the Gemfile's.

require_relative 'output'

module FlyingPassenger
  CONTROL.close_on_exec = true

  # The loader's end of the control channel.
  module Control
    ESCAPES = { '\\' => '\\\\', "\n" => '\\n' }.freeze
    # Characters; of four bytes each they still fit into one line.
    MAX_DETAIL = 30_000
    MAX_SENTENCE = 1000

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
    def self.fail_step(step, failure)
      tell("error category #{failure.category}")
      tell("error kind #{failure.kind}")
      tell("error summary #{escape(failure.summary, MAX_SENTENCE)}")
      failure.remedies.each do |sentence, command|
        tell("error remedy #{escape(sentence, MAX_SENTENCE)}")
        tell("error command #{escape(command.join("\n"), MAX_SENTENCE)}") unless command.empty?
      end
      tell("error detail #{escape(failure.detail, MAX_DETAIL)}") unless failure.detail.empty?
      tell("step #{step} failed")
      exit!(1)
    end

    def self.escape(text, limit)
      text = text.dup.force_encoding('UTF-8') if text.encoding == Encoding::BINARY
      text = text.encode('UTF-8', invalid: :replace, undef: :replace) unless text.encoding == Encoding::UTF_8
      text.scrub('?')[0, limit].gsub(/[\\\n]/) { |char| ESCAPES[char] }
    end
  end

  # What happens before the application is ready.
  module Boot
    def self.run
      $stdout.sync = $stderr.sync = true
      @step = 'loader'
      @settings = Control.step(@step) { Control.read_settings }
      preloads = @settings['mode'] == 'preload'
      return cannot_fork if preloads && !Process.respond_to?(:fork)
      title = @settings[preloads ? 'preloader_title' : 'title']
      name_process(title)
      step('load-libraries') { load_libraries(preloads) }
      app = step('load-app') { load_app(@settings['startup_file']) }
      PhusionPassenger::App.app = app
      name_process(title)
      start
    rescue Exception => error
      report(error)
    end

    # Serves until the end. A process that becomes a preloader goes on from here, and so do those that it forks.
    def self.serve
      server = run
      server = preload_again while server.run == :preloader
    end

    def self.preload_again
      name_process(@settings['preloader_title'])
      start
    rescue Exception => error
      report(error)
    end

    # The server of a process that is to serve.
    def self.start
      @preloader.run if @preloader # what returns is a process of its own
      start_process(!@preloader.nil?)
      server = step('listen') { Server.for(PhusionPassenger::App.app, @settings, @preloader) }
      Control.tell("ready concurrency=#{server.concurrency} framing=1")
      server
    end

    # Before anything is loaded: the daemon starts each process directly then.
    def self.cannot_fork
      Control.tell('error kind cannot-fork')
      Control.tell("error summary #{RUBY_ENGINE} cannot fork")
      Control.tell("step #{@step} failed")
      exit!(1)
    end

    def self.step(name, &block)
      @step = name
      Control.step(name, &block)
    end

    def self.start_process(forked)
      return PhusionPassenger.call_event(:starting_worker_process, false) unless forked
      step('after-fork') do
        AfterFork.run(@settings['title'])
        PhusionPassenger.call_event(:starting_worker_process, true)
      end
    end

    def self.name_process(title = @settings['title'])
      $0 = title
      File.write('/proc/self/comm', title.byteslice(0, 15))
    rescue SystemCallError
      nil # no Linux, or no /proc
    end

    # Just one of these; an empty config/setup_load_paths.rb switches Bundler off.
    def self.set_up_bundler
      if File.exist?('config/setup_load_paths.rb')
        @bundler_branch = 'config/setup_load_paths.rb'
        require File.expand_path(@bundler_branch)
      elsif File.exist?('.bundle/environment.rb')
        @bundler_branch = '.bundle/environment.rb'
        require File.expand_path(@bundler_branch)
      elsif (@bundler_branch = gemfile)
        require 'bundler'
        Bundler.setup
      end
    end

    def self.gemfile
      configured = ENV['BUNDLE_GEMFILE'].to_s
      return configured unless configured.empty?
      %w[Gemfile gems.rb].find { |name| File.exist?(name) }
    end

    def self.load_libraries(preloads)
      set_up_bundler
      # By absolute path: Phusion's own library has files of these names. Bundler prunes the load path, so this comes
      # after it; in front, so that the application finds ours under the name, too.
      $LOAD_PATH.unshift(@settings['ruby_library'])
      require "#{@settings['ruby_library']}/phusion_passenger"
      PhusionPassenger::App.options = @settings.merge('environment' => @settings['app_env'])
      require_relative 'server'
      require_relative 'threaded_server'
      if preloads
        require_relative 'preloader'
        require_relative 'refork'
        @preloader = Preloader.new
      end
      require 'rack'
    end

    def self.load_app(startup_file)
      if @settings['app_type'] == 'classic-rails'
        require_relative 'classic_rails'
        return ClassicRails.load(startup_file)
      end
      source = File.read(startup_file, encoding: 'BOM|UTF-8').sub(/^__END__\n.*\z/m, '')
      app = ::Rack::Builder.new_from_string(source, startup_file)
      app = app.first if app.is_a?(Array) # of Rack 2: the application and options for a server
      raise NotRunnable, app.class.to_s unless app.respond_to?(:call)
      # Rack::Lint needs it and does not require it; other servers happen to have loaded it. Not before the application has
      # loaded its own choice, nor by autoload, which parts of it ("uri/generic" in Rails) would set off too early.
      require 'uri'
      app
    end

    def self.report(error)
      require "#{@settings['ruby_library']}/flying_passenger/failure"
      failure = Failure.new(error, @step, @settings, @bundler_branch)
      print_failure(failure)
      call_exit_event
      Control.fail_step(@step, failure)
    rescue Exception => second
      # Such as no memory left for a look at the first one.
      Output.tell("#{error.class}: #{error.message}")
      Control.tell("error category app\nerror kind exception\nerror summary #{error.class} (#{second.class})")
      Control.tell("step #{@step} failed")
      exit!(1)
    end

    # The app's last words first: the process ends without a look at its buffers.
    def self.print_failure(failure)
      Output.flush
      Output.tell(failure.detail.empty? ? failure.summary : failure.detail)
    end

    def self.call_exit_event
      PhusionPassenger.call_event(:unhandled_exception_before_exit) if defined?(PhusionPassenger)
    rescue StandardError
      nil # the first failure is the one to report
    end
  end

  # The startup file gave something that is no application.
  class NotRunnable < StandardError
  end

  # A framework that this program cannot run.
  class UnsupportedFramework < StandardError
  end
end
