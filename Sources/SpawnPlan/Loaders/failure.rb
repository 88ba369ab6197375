# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # Why an application could not be loaded, for whoever operates it: a kind, one sentence, and what to do.
  #
  # A remedy is a sentence, and perhaps a command: its name, and the part that goes into it. The daemon makes the command line
  # (LoaderCommand.swift): what an application says could be typed by root.
  #
  # Needs no library, because it may be asked before any could be loaded.
  class Failure
    # Frames of the interpreter itself; those of Java have another form.
    INTERNAL = %r{\A<internal:|\Aorg/jruby/}.freeze
    DEBIAN_GEMS = '/usr/share/rubygems-integration/all'

    attr_reader :category, :kind, :summary, :remedies, :detail

    # `bundler_branch` is the file that decided about the gems, if there was one.
    def initialize(error, step, settings, bundler_branch)
      @error = error
      @step = step
      @settings = settings
      @bundler_branch = bundler_branch
      @category = 'app'
      @remedies = []
      @detail = described(error)
      decide(cause)
      # Exceptions of our own say nothing beyond the summary.
      @detail = '' if error.is_a?(NotRunnable) || error.is_a?(UnsupportedFramework)
    end

    private

    # A sentence before a command ends with a colon.
    def advise(sentence, *command)
      @remedies << [sentence, command]
    end

    # Bundler's own scripts, and some frameworks, answer an exception by ending the process.
    def cause
      inner = @error.is_a?(SystemExit) && @error.cause
      inner.nil? || inner == false ? @error : inner
    end

    def decide(error)
      return decide_bundler(error) if bundler?(error)
      case error
      when SystemExit, SignalException then ended(error)
      when NotRunnable then not_runnable(error)
      when UnsupportedFramework then unsupported_framework(error)
      when SyntaxError then syntax_error(message(error))
      when LoadError then load_error(error)
      when NoMemoryError then out_of_memory(error)
      when Errno::EACCES, Errno::EPERM then permission_denied(denied_path(error))
      else decide_by_name(error)
      end
    end

    # Classes of libraries that need not be loaded.
    def decide_by_name(error)
      case error.class.name
      when 'Psych::SyntaxError'
        syntax_error(message(error).sub(/\A\(([^)]*)\): (.*) at line (\d+).*/m, '\1:\3: \2'))
      when 'Java::JavaLang::OutOfMemoryError' then out_of_memory(error)
      when 'RuntimeError'
        return nothing_to_run if message(error).start_with?('missing run or map statement')
        exception(error)
      else exception(error)
      end
    end

    def exception(error)
      @kind = 'exception'
      place = place_of(error)
      @summary = "the application raised #{error.class}: #{first_line(error)}#{" (#{place})" if place}"
      advise("Look at #{place} and at the lines of the backtrace below it.") if place
    end

    def ended(error)
      @kind = 'early-exit'
      place = place_of(@error)
      how = error.is_a?(SystemExit) ? "exit(#{error.status})" : error.class.to_s
      @summary = "the application ended itself (#{how}#{" at #{place}" if place}) before it was ready"
      advise('Look at what it printed before, and see why it calls exit while it is loaded.')
    end

    def nothing_to_run
      @kind = 'configuration'
      @summary = "#{startup_file} does not say which application to run: it has no \"run\" line"
      advise("End #{startup_file} with a line such as: run MyApplication")
    end

    def not_runnable(error)
      @kind = 'configuration'
      @summary = "what #{startup_file} runs is no Rack application: " \
        "an object of class #{message(error)} has no method \"call\""
      advise("Give \"run\" in #{startup_file} an object that answers call(env), not only a name.")
    end

    def unsupported_framework(error)
      @kind = 'framework-unsupported'
      @summary = message(error)
      if @summary.include?('config.ru')
        advise("Add the file config.ru to #{root}, with two lines: require_relative \"config/environment\" " \
          'and: run Rails.application')
      else
        advise("With #{startup_file} only Rails 2.3 can be run. For anything else, write a config.ru, " \
          'the startup file of every Rack application.')
      end
    end

    def syntax_error(text)
      @kind = 'syntax-error'
      line = text.each_line.map(&:chomp).find { |candidate| candidate =~ /\A[^\s].*?:\d+: / } || text.each_line.first
      file, number, what = line.to_s.match(/\A(.+?):(\d+): (.*)/).to_a.drop(1)
      return @summary = "syntax error: #{line.to_s.chomp}" unless file
      what = "syntax error: #{what}" unless what.include?('syntax error')
      @summary = "#{what.chomp('.')} (#{file}:#{number})"
      what = "Correct line #{number} of #{file}, or a line above it"
      return advise("#{what}.") unless file =~ /\.(rb|ru)\z/
      advise("#{what}, then check it with:", 'check', file)
    end

    def out_of_memory(error)
      @kind = 'out-of-memory'
      @category = 'operating-system'
      @summary = "there was not enough memory to load the application (#{error.class}: #{first_line(error)})"
      advise('Look at the memory limits of the process; run fewer processes (--max-pool-size), or raise the limit. ' \
        'What the machine has:', 'memory')
    end

    def permission_denied(path)
      @kind = 'permission-denied'
      @category = 'file-system'
      entered = path && closed_directory(path)
      written = entered ? nil : directory_of_missing(path)
      closed = entered || written || path
      @summary = "the application may not use #{path || 'a file that it needs'}, because it runs as #{user}"
      @summary += ", who may not enter #{entered}" if entered && entered != path
      @summary += ", who may not write in #{written}" if written
      return unless closed

      if %w[Gemfile.lock gems.locked].include?(File.basename(path.to_s))
        advise('Best make it where the application is developed ("bundle lock"), and deploy it with the rest: what is ' \
          'not written down can be of another version tomorrow.')
      end
      advise("Let the user #{user} use it, or let the application run as another user. Whose it is:",
             'list', File.expand_path(closed))
    end

    # Where the file was to be made; nil if it is there.
    def directory_of_missing(path)
      return if path.nil? || File.exist?(path) || File.symlink?(path)
      File.dirname(File.expand_path(path))
    end

    # MARK: Libraries

    def load_error(error)
      path = error.path.to_s
      named = message(error)[/\A(?:cannot load such file|no such file to load) -- (.+)/, 1]
      path = named.to_s if path.empty?
      return exception(error) if path.empty? || named.nil?
      return missing_file(path, error) if path.start_with?('/')
      unreadable = $LOAD_PATH.map { |folder| "#{folder}/#{path.chomp('.rb')}.rb" }
                             .find { |file| File.file?(file) && !File.readable?(file) }
      return permission_denied(unreadable) if unreadable
      missing_library(path, error)
    end

    def missing_file(path, error)
      file = [path, "#{path}.rb"].find { |name| File.exist?(name) }
      return permission_denied(file) if file && !File.readable?(file)
      exception(error)
      place = place_of(error)
      @summary = "the file #{path}#{", which #{place} requires," if place} does not exist"
    end

    def missing_library(path, error)
      @kind = 'missing-gem'
      place = place_of(error)
      @summary = "the library #{path}#{", which #{place} requires," if place} is in none of the gems that #{ruby} finds"
      needed_by_us = path == 'rack' && place.nil?
      @summary = "the gem rack, which every Rack application needs, was not found by #{ruby}" if needed_by_us
      gem_remedies(path.split('/').first)
    end

    def gem_remedies(name)
      if bundler_loaded?
        advise("If #{@bundler_branch || 'the Gemfile'} does not name it, add the line: gem \"#{name}\"")
        advise_bundle_install
      else
        advise("List it in a Gemfile in #{root}, or install it for this interpreter:", 'gem-install', name)
      end
      say_where_gems_are
    end

    # What the user may not enter looks as though it were not there.
    def say_where_gems_are
      folders = defined?(Gem) ? Gem.path : []
      closed = folders.map { |folder| closed_directory(folder) }.compact.first
      there = folders.select { |folder| File.directory?(folder) }
      if closed
        @remedies.unshift(["Installed gems below #{closed} cannot be seen: #{user} may not enter it. Make it " \
          'accessible, or install the gems elsewhere.', []])
      end
      advise("Gems are looked for in #{there.join(', ')}. If they are installed for another Ruby, set " \
        'passenger_ruby to that one.')
      return if folders.include?(DEBIAN_GEMS) || !File.directory?(DEBIAN_GEMS)
      advise("To use gems of Debian's packages:", 'gem-path', DEBIAN_GEMS)
    end

    # MARK: Bundler

    def bundler?(error)
      error.class.name.to_s.start_with?('Bundler::') || gem_error?(error)
    end

    def gem_error?(error)
      defined?(Gem::LoadError) && error.is_a?(Gem::LoadError)
    end

    def decide_bundler(error)
      name = error.class.name.to_s.split('::').last
      case name
      when 'PermissionError' then permission_denied(denied_path(error))
      when 'GemfileNotFound' then bundler_failure('configuration', "the Gemfile #{gemfile} does not exist")
      when 'GemfileError', 'DSLError', 'GemfileEvalError', 'LockfileError', 'RubyVersionMismatch', 'RubyVersionError'
        gemfile_failure(name, error)
      else missing_gem(error)
      end
    end

    def gemfile_failure(name, error)
      text = first_line(error).sub(/\A\[!\] /, '').sub(/\.? Bundler cannot continue\z/, '')
      place = message(error)[/^ #  from (.+:\d+)$/, 1]
      text += " (#{place})" if place
      if name == 'RubyVersionMismatch'
        @kind = 'interpreter-unsupported'
        @summary = "#{gemfile} asks for another Ruby: #{text}"
        advise("Set passenger_ruby to the path of the Ruby that the Gemfile asks for (now: #{interpreter}), and install its gems " \
          'with that one; or let the Gemfile ask for this one.')
      elsif error.cause.is_a?(SyntaxError)
        bundler_failure('syntax-error', "syntax error in the Gemfile: #{text}")
      else
        bundler_failure('configuration', "Bundler cannot use #{gemfile}: #{text}")
      end
    end

    def bundler_failure(kind, summary)
      @kind = kind
      @summary = summary
      advise('An empty config/setup_load_paths.rb switches the use of Bundler off. This shows the same by hand:',
             'bundle-check')
    end

    def missing_gem(error)
      @kind = 'missing-gem'
      gem = gem_name(error)
      locked = message(error)[/Could not find \S+?(-\d[\w.]*)/, 1].to_s.tr('-', ' ')
      @summary = if message(error).include?('already activated')
                   "two versions of a gem are wanted at once: #{first_line(error)}"
                 elsif gem
                   "the gem #{gem}#{locked}#{wanted_by} is not installed for #{ruby}"
                 else
                   "Bundler could not set up the gems#{wanted_by}: #{first_line(error)}"
                 end
      return gem_remedies(gem || 'NAME') unless bundler_loaded?
      advise_bundle_install
      say_where_gems_are
    end

    # Which of the three ways to the gems was taken.
    def wanted_by
      return '' unless @bundler_branch
      by_file = @bundler_branch =~ %r{/.*\.rb\z}
      by_file ? ", which #{@bundler_branch} sets up," : ", which #{gemfile} names,"
    end

    def gem_name(error)
      return error.name if error.respond_to?(:name) && error.name.is_a?(String)
      text = message(error)
      text[/Could not find gem '([^']+)'/, 1] || text[/Could not find (\S+?)-\d[\w.]*/, 1]
    end

    def advise_bundle_install
      advise('Install the gems of the Gemfile below the application:', 'bundle-install')
    end

    def bundler_loaded?
      !@bundler_branch.nil? || defined?(::Bundler::VERSION)
    end

    def gemfile
      File.expand_path([ENV['BUNDLE_GEMFILE'], @bundler_branch, 'Gemfile'].find { |name| !name.to_s.empty? })
    end

    # MARK: Words

    def ruby
      version = defined?(JRUBY_VERSION) ? "JRuby #{JRUBY_VERSION}" : "Ruby #{RUBY_VERSION}"
      "#{version} (#{interpreter})"
    end

    def interpreter
      defined?(RbConfig) ? RbConfig.ruby : 'ruby'
    end

    def user
      ENV['USER'].to_s.empty? ? 'this user' : ENV['USER']
    end

    def root
      @settings['app_root']
    end

    def startup_file
      @settings['startup_file']
    end

    def message(error)
      utf8(error.message.to_s)
    rescue StandardError
      'without a message'
    end

    # Paths come in the encoding of the locale, which may be none that they are in.
    def utf8(text)
      return text.scrub('?') if text.encoding == Encoding::UTF_8
      bytes = text.dup.force_encoding('UTF-8')
      return bytes if bytes.valid_encoding?
      text.encode('UTF-8', invalid: :replace, undef: :replace).scrub('?')
    end

    def first_line(error)
      line = message(error).gsub(/\e\[[\d;]*m/, '').each_line.map(&:strip).find { |text| !text.empty? }
      (line || 'without a message')[0, 300].chomp('.')
    end

    # Only frames of the application and its libraries.
    def frames(error)
      (error.backtrace || []).map { |line| utf8(line) }.select { |line| line =~ /:\d+(?::in |\z)/ && !own?(line) && line !~ INTERNAL }
    end

    def own?(line)
      line.start_with?(File.dirname(@settings['ruby_library']) + '/')
    end

    # The innermost line of the application itself, else of whatever was under way.
    def place_of(error)
      lines = frames(error).map { |line| line[/\A(.+?:\d+)/, 1] }.compact
      lines.find { |line| in_root?(line) } || (@step == 'load-libraries' ? nil : lines.first)
    end

    def in_root?(line)
      return true unless line.start_with?('/')
      here = Dir.pwd
      line.start_with?("#{root}/", "#{here}/") && line !~ %r{/(vendor|gems)/}
    end

    def denied_path(error)
      message(error)[%r{ - (/?[^\n]+?)\)?\z}, 1] || message(error)[%r{`(/[^`']+)['`]}, 1]
    end

    # The first directory on the way that exists and may not be entered, if there is one.
    def closed_directory(path)
      parts = File.expand_path(path).split('/').reject(&:empty?)
      folder = ''
      parts.each do |part|
        folder += "/#{part}"
        return nil unless File.directory?(folder)
        return folder unless File.executable?(folder)
      end
      nil
    end

    def described(error)
      lines = ["#{message(error)} (#{error.class})"] + frames(error).map { |line| "        from #{line}" }
      inner = error.cause
      return lines.join("\n") unless inner
      lines << "Caused by: #{message(inner)} (#{inner.class})"
      (lines + frames(inner).map { |line| "        from #{line}" }).join("\n")
    end
  end
end
