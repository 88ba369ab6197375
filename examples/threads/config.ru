# frozen_string_literal: true

# An application that waits half a second with each request, as for a slow service, and tells how many others wait beside it.
class Waiting
  def initialize
    @lock = Mutex.new
    @running = @most = 0
  end

  def call(env)
    @lock.synchronize { @most = [@most, @running += 1].max }
    sleep 0.5
    most = @lock.synchronize { @running -= 1; @most }
    text = "pid: #{$$}\nthread: #{Thread.current.object_id}\nrack.multithread: #{env['rack.multithread']}\nmost at a time: #{most}\n"
    [200, { 'content-type' => 'text/plain' }, [text]]
  end
end

run Waiting.new
