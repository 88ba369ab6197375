# SPDX-License-Identifier: MIT
#
# Does things to the process that serves it, one at each path. What it changes stays changed.

require 'stringio'
require 'timeout'

TEXT = { 'Content-Type' => 'text/plain' }.freeze

class Closing
  def initialize(&block)
    @block = block
  end

  def each
    yield 'closing'
  end

  def close
    @block.call
  end
end

# Says nothing about itself.
class Mute < StandardError
  def message
    raise 'no message'
  end
end

def in_thread(delay = 0, &block)
  main = Thread.current
  Thread.new do
    sleep delay
    block.call(main)
  end
end

def close_descriptors
  (3..1000).each do |number|
    IO.for_fd(number).close
  rescue SystemCallError, ArgumentError
    nil # not open, or the interpreter's own
  end
end

def patch(owner, *names)
  names.each { |name| owner.define_method(name) { |*| raise "#{name} is patched" } }
end

# As large as fits: what is beyond the loader's memory goes to a file.
def late_reader(input)
  in_thread(0.05) do
    input.read(1)
    $late = 'read'
  rescue IOError => error
    $late = error.class.to_s
  end
end

RAISED = {
  '/exit' => -> { exit 3 },
  '/abort' => -> { abort 'aborted' },
  '/throw' => -> { throw :nobody },
  '/no-memory' => -> { raise NoMemoryError, 'none left' },
  '/no-stack' => -> { deeper = -> { deeper.call }; deeper.call },
  '/thread-exit' => -> { Thread.exit },
  '/timeout' => -> { Timeout.timeout(0.01) { sleep } },
  '/mute' => -> { raise Mute },
  '/words' => -> { raise "\xFF and \u00FC".dup },
  '/script-error' => -> { raise NotImplementedError },
  '/term' => -> { raise SignalException, 'TERM' },
  '/interrupt' => -> { raise Interrupt },
  '/thread-raise' => -> { in_thread { |main| main.raise 'from a thread' }; sleep }
}.freeze

DONE = {
  '/stdout' => -> { $stdout = StringIO.new },
  '/stderr' => -> { $stderr = StringIO.new },
  '/stderr-closed' => -> { ($stderr = File.open(File::NULL, 'w')).close },
  '/stdio-back' => -> { $stdout, $stderr = STDOUT, STDERR },
  '/later' => -> { in_thread(0.05) { |main| main.raise 'later' } },
  '/traps' => -> { %w[TERM USR1 HUP INT EXIT].each { |name| trap(name) { nil } } },
  '/separators' => -> { $VERBOSE = nil; $, = '-'; $/ = 'e'; $; = ','; $\ = '!' },
  '/encodings' => -> { Encoding.default_internal = 'UTF-16LE'; Encoding.default_external = 'UTF-16LE' },
  '/encodings-back' => -> { Encoding.default_internal = nil; Encoding.default_external = 'UTF-8' },
  '/missing' => -> { Object.class_eval { def method_missing(*) end; def respond_to_missing?(name, *) name == :to_i end } },
  '/missing-back' => -> { Object.class_eval { undef_method(:method_missing); undef_method(:respond_to_missing?) } },
  '/core' => lambda do
    patch(IO.singleton_class, :select, :pipe)
    patch(Process.singleton_class, :clock_gettime, :kill, :pid)
    patch(Time.singleton_class, :now)
    patch(Signal.singleton_class, :trap)
    patch(Kernel, :trap, :sleep, :warn, :puts, :print)
    patch(Array, :join)
  end,
  '/misc' => -> { GC.disable; Dir.chdir('/'); File.umask(0o777); ENV.clear; Thread.report_on_exception = false },
  '/close-exits' => -> { Closing.new { exit 4 } },
  '/close-raises' => -> { Closing.new { raise NoMemoryError, 'while closing' } },
  # From here on the process is to end.
  '/close-all' => -> { close_descriptors },
  '/close-objects' => -> { ObjectSpace.each_object(IO) { |io| io.close unless io.closed? || io.fileno < 3 } },
  '/close-listener' => -> { IO.for_fd(3).close },
  '/replace-listener' => -> { STDIN.dup.tap { |io| File.open('config.ru') { |file| IO.for_fd(3, autoclose: false).reopen(file) } } },
  '/abort-on' => -> { Thread.abort_on_exception = true; in_thread(0.05) { raise 'aborts' } },
  '/exit-later' => -> { in_thread(0.05) { exit } },
  '/trap-exit' => -> { trap('USR1') { exit }; in_thread(0.05) { Process.kill(:USR1, $$) } },
  '/signal' => -> { in_thread(0.05) { Process.kill(:USR2, $$) } },
  '/at-exit' => -> { at_exit { close_descriptors }; in_thread(0.05) { exit } }
}.freeze

run lambda { |env|
  path = env['PATH_INFO']
  RAISED[path].call if RAISED.key?(path)
  result = DONE.fetch(path, -> {}).call
  text = "pid: #{$$}\n"
  if path == '/lines'
    text = env['rack.input'].gets.to_s
  elsif path == '/late'
    late_reader(env['rack.input'])
  elsif path == '/late-read'
    text = $late.to_s
  end
  [200, TEXT, result.is_a?(Closing) ? result : [text]]
}
