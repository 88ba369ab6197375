# SPDX-License-Identifier: MIT
#
# Takes several requests at a time, and says what happens to its process.

TEXT = { 'content-type' => 'text/plain' }.freeze
LINK = '</site.css>; rel=preload'

if defined?(PhusionPassenger)
  (PhusionPassenger::EVENTS - [:oob_work]).each do |name|
    PhusionPassenger.on_event(name) { |*forked| puts ["event #{name}", *forked].join(' ') }
  end
  # The handler that the application sets after ours is the one that counts.
  PhusionPassenger.on_event(:after_installing_signal_handlers) { trap('HUP') { $hung_up = true } }
  PhusionPassenger.advertised_concurrency_level = Integer(ENV['LEVEL']) if ENV['LEVEL']
end
at_exit { puts 'at_exit' }

# As many requests as a process takes at a time meet in here, and leave together.
class Meeting
  def initialize
    @lock = Mutex.new
    @changed = ConditionVariable.new
    @inside = @most = @met = 0
  end

  attr_reader :most

  # Answers whether so many have met in time.
  def enter(count)
    @lock.synchronize do
      @inside += 1
      @most = [@most, @inside].max
      if @inside == count
        @met += 1
        @changed.broadcast
      else
        met = @met
        @changed.wait(@lock, 10) if @met == met
      end
      @inside -= 1
      @met.positive?
    end
  end
end

MEETING = Meeting.new

def streaming
  lambda { |stream| Thread.new { 3.times { |number| stream.write(number.to_s) }; stream.close } }
end

# For whatever the test does meanwhile.
def wait
  sleep 0.01 until File.exist?('tmp/go')
  'went'
end

def child_status
  child = fork { exit!(7) }
  Process.wait2(child).last.exitstatus.to_s
end

ANSWERS = {
  '/pid' => ->(_) { [200, TEXT.dup, ["#{$$}\n"]] },
  '/meet' => ->(env) { [200, TEXT.dup, [MEETING.enter(env['QUERY_STRING'].to_i).to_s]] },
  '/most' => ->(_) { [200, TEXT.dup, [MEETING.most.to_s]] },
  '/rack' => ->(env) { [200, TEXT.dup, ["#{env['rack.multithread']} #{env.key?('rack.early_hints')}"]] },
  '/options' => lambda do |_|
    options = PhusionPassenger::App.options
    [200, TEXT.dup, [options.values_at('environment', 'base_uri', 'app_type').join(' '), " #{PhusionPassenger::App.app.class}"]]
  end,
  '/wait' => ->(_) { [200, TEXT.dup, [wait]] },
  '/stream' => ->(_) { [200, TEXT.dup, streaming] },
  '/child' => ->(_) { [200, TEXT.dup, [child_status]] },
  '/end-thread' => ->(_) { Thread.exit },
  '/raise' => ->(_) { raise 'in a thread' },
  '/partial' => ->(_) { [200, TEXT.merge('rack.hijack' => ->(io) { io.write('ab'); io.close }), []] },
  '/hung-up' => ->(_) { [200, TEXT.dup, [$hung_up.to_s]] },
  '/hints' => lambda do |env|
    env['rack.early_hints'].call('link' => "#{LINK}\n</b.js>; rel=preload")
    $late = env['rack.early_hints']
    [200, TEXT.dup, %w[a b]]
  end,
  # The request that they belong to has been answered.
  '/late-hints' => ->(_) { $late.call('link' => LINK); [200, TEXT.dup, %w[a b]] },
  '/bad-hints' => ->(env) { env['rack.early_hints'].call('link' => "a\rb"); [200, TEXT.dup, %w[a b]] }
}.freeze

# Rack::Lint needs bodies that are read in order, and knows no body that writes by itself.
UNCHECKED = %w[/stream /end-thread].freeze
CHECKED = Rack::Lint.new(->(env) { ANSWERS.fetch(env['PATH_INFO']).call(env) })

run lambda { |env|
  path = env['PATH_INFO']
  UNCHECKED.include?(path) ? ANSWERS[path].call(env) : CHECKED.call(env)
}
