# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require 'socket'
require_relative 'after_fork'
require_relative 'signals'

module FlyingPassenger
  # The process that has loaded the application, and forks those that serve. Handshake: "preloaded", and then for each fork
  #
  #   core → preloader   fork NAME    with three descriptors: listening socket, control channel, output pipe
  #   worker → core      worker NAME  on that channel, once the worker is a child of the core; or "failed REASON"
  #   core → worker      start        from here on it goes the way of every process
  #
  # The preloader forks twice: the first child ends at once, so that the kernel gives the second one to the core, which learns
  # from the kernel who it is and how it ends. End of file on descriptor 4 means: stop.
  #
  # A process that was forked, and serves, may get "refork NAME" with the same descriptors, but /dev/null for the socket. It forks
  # in the same way, and what comes of it says "preloader NAME", waits for "start", and is the next preloader: "preloaded".
  class Preloader
    DESCRIPTORS = { listener: 3, control: 4 }.freeze
    DESCRIPTOR_COUNT = 3
    MAX_ORDER = 64
    START = "start\n"
    # Bound before the application is loaded, which may put others in their place.
    FORK = Process.method(:fork)
    WAIT = Process.method(:wait)
    PARENT = Process.method(:ppid)
    SELECT = IO.method(:select)

    def initialize
      @process = $$
      @outputs = [1, 2].map { |number| [number, file(number)] }
    end

    # Returns in a forked process that is to serve. The preloader itself ends in here, without running what the application
    # wants done at the end of its processes (at_exit): that is for those that serve.
    def run
      @process = $$
      name_threads
      warm_up
      Signals.new { exit!(0) }
      orders = Socket.for_fd(CONTROL.fileno)
      orders.autoclose = false
      Control.tell('preloaded')
      loop do
        name, descriptors = next_order(orders)
        exit!(0) unless name
        return if fork_process("worker #{name}", descriptors)
      end
    end

    # In a process that serves, between two requests. The block is called in the process that is to be the next preloader, in
    # which this answers true.
    def refork(name, descriptors, &release)
      @process = $$
      fork_process("preloader #{name}", descriptors, release)
    ensure
      AfterFork.resume if @process == $$
    end

    # What the daemon says to a process that serves, and descriptors that came along.
    def self.receive(channel)
      text, _, _, *controls = channel.recvmsg(4096, 0, nil, scm_rights: true)
      raise EOFError if text.nil? || text.empty?
      [text, controls.flat_map { |control| control.unix_rights || [] }]
    end

    private

    # What is garbage now would be copied into each process.
    def warm_up
      return Process.warmup if Process.respond_to?(:warmup)
      GC.start
      GC.compact if GC.respond_to?(:compact)
    rescue NotImplementedError
      nil # this system cannot
    end

    # But for those that say of themselves that they bear it, as they do for puma: their owners start them anew.
    def name_threads
      threads = (Thread.list - [Thread.main]).reject { |thread| thread.thread_variable_get(:fork_safe) }
      return if threads.empty?
      Output.tell(
        'threads that were started while the application was loaded do not run in its processes, which are forked; start ' \
        'them in PhusionPassenger.on_event(:starting_worker_process):',
        *threads.map { |thread| "        #{thread.inspect}" }
      )
    end

    def next_order(orders)
      text, _, _, *controls = orders.recvmsg(MAX_ORDER, 0, nil, scm_rights: true)
      word, name = text.to_s.split
      return unless word == 'fork'
      [name, controls.flat_map { |control| control.unix_rights || [] }]
    rescue SystemCallError
      nil # the daemon has gone
    end

    # Answers true in the process that comes of it, and that makes the claim.
    def fork_process(claim, descriptors, release = nil)
      raise Errno::EMFILE unless descriptors.size == DESCRIPTOR_COUNT # the kernel leaves out those that there is no room for
      PhusionPassenger.call_event(:before_refork) if release
      AfterFork.prepare
      Output.flush # or each process would write what waits
      child = FORK.call
      return fork_again(claim, descriptors, release) if child.nil?
      collect(child)
      descriptors.each(&:close)
      false
    rescue StandardError, NoMemoryError => error
      give_up(descriptors, error)
      exit!(1) unless @process == $$ # the first child, in which something that the application has put around forks failed
      false
    end

    def collect(child)
      WAIT.call(child)
    rescue SystemCallError
      nil # the application collects all children
    end

    # In the first child.
    def fork_again(claim, descriptors, release)
      between = $$
      begin
        child = FORK.call
      rescue Exception => error
        give_up(descriptors, error)
        exit!(1)
      end
      exit!(0) if child
      release.call if release
      become(claim, descriptors, between)
      true
    end

    def give_up(descriptors, error)
      descriptors[1].syswrite("failed #{Control.escape("#{error.class}: #{error.message}", 200)}\n") if descriptors[1]
      descriptors.each(&:close)
    rescue SystemCallError, IOError
      nil # nobody waits any more
    end

    # In the second child.
    def become(claim, descriptors, between)
      Process.setsid
      listener, control, output = descriptors
      place(listener, DESCRIPTORS[:listener])
      place(control, DESCRIPTORS[:control])
      # Where the application has put something else in the place of its output, it stays there.
      @outputs.select! { |number, file| file == file(number) }
      @outputs.each { |number, _| place(output, number) }
      @outputs.map! { |number, _| [number, file(number)] }
      descriptors.each { |io| io.close if io.autoclose? }
      SELECT.call(nil, nil, nil, 0.0005) while PARENT.call == between
      CONTROL.syswrite("#{claim}\n")
      text = String.new
      text << CONTROL.sysread(START.bytesize - text.bytesize) until text.bytesize == START.bytesize
      exit!(1) unless text == START
    rescue EOFError, SystemCallError
      exit!(1) # not wanted any more
    end

    def place(io, number)
      if io.fileno == number
        io.autoclose = false
      else
        IO.for_fd(number, autoclose: false).reopen(io)
      end
    end

    # What a descriptor refers to.
    def file(number)
      stat = IO.for_fd(number, autoclose: false).stat
      [stat.dev, stat.ino]
    rescue SystemCallError
      nil
    end
  end
end
