# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # Signal handlers of the server process, which its application may replace and its children do not have.
  class Signals
    # Bound before the application is loaded, which may put others in their place.
    TRAP = Signal.method(:trap)
    KILL = Process.method(:kill)

    # The block is what TERM does.
    def initialize(&stop)
      @process = $$
      @handlers = { 'TERM' => own_handler('TERM', &stop) }
      # The virtual machine of JRuby does that by itself.
      @handlers['QUIT'] = own_handler('QUIT') { dump_threads } unless RUBY_ENGINE == 'jruby'
      @handlers['ABRT'] = own_handler('ABRT') do
        dump_threads
        default('ABRT')
      end
      @handlers.each { |name, handler| TRAP.call(name, handler) }
      TRAP.call('HUP', 'IGNORE')
    end

    # Handlers that the application has put in the place of ours stay.
    def release
      @handlers.each do |name, handler|
        current = TRAP.call(name, 'DEFAULT')
        TRAP.call(name, current) unless current.equal?(handler)
      end
      current = TRAP.call('HUP', 'DEFAULT')
      TRAP.call('HUP', current) unless current == 'IGNORE'
    end

    def dump_threads
      Thread.list.each do |thread|
        # The constant, because the app may have put something else in the place of $stderr.
        STDERR.syswrite("Thread #{thread.inspect}\n    #{(thread.backtrace || []).join("\n    ")}\n")
      end
    rescue SystemCallError, IOError
      nil # the app has closed it
    end

    private

    # Only in the process that it was meant for: before Ruby 3.1 nothing tells us of a fork.
    def own_handler(name)
      lambda { |_| $$ == @process ? yield : default(name) }
    end

    def default(name)
      TRAP.call(name, 'DEFAULT')
      KILL.call(name, $$)
    end
  end

  # Tells the server of each child that the application forks; possible since Ruby 3.1.
  module ForkGuard
    def self.install(server)
      return unless Process.respond_to?(:_fork)
      define_method(:_fork) do
        pid = super()
        server.forked if pid == 0 && !server.reforks?
        pid
      end
      Process.singleton_class.prepend(self)
    end
  end
end
