# frozen_string_literal: true
#
# An application that tells who has loaded it and what it heard of forks. With the environment variable HOSTILE its preloader
# does what none should do.
LOADED_BY = Process.pid
HEARD = []
BALLAST = Array.new(ENV["BALLAST"].to_i * 8192) { |number| "%0100d" % number }
raise "cannot be loaded" if File.exist?("tmp/fail-load")
require_relative "hostile" if ENV["HOSTILE"]
require_relative "steps" if ENV["STEPS"]
at_exit { File.write("tmp/ended-#{Process.pid}", "") }
# Open before any fork: one that works on it must have it open anew (docs/smart-spawning.md).
JOURNAL = File.open("tmp/journal", "a")
Thread.new { sleep }.name = "started while loading"
# As ActiveRecord's reaper says of itself.
Thread.new { sleep }.tap { |thread| thread.name = "bears a fork" }.thread_variable_set(:fork_safe, true)

PhusionPassenger.on_event(:starting_worker_process) do |forked|
  raise "not in this process" if File.exist?("tmp/fail-after-fork")
  HEARD << forked
  $random = rand
end

PhusionPassenger.on_event(:before_refork) do
  raise "not this one" if File.exist?("tmp/fail-refork")
  File.write("tmp/reforked", Process.pid.to_s)
end

def facts
  # What the first request loads is there in all that are forked after it.
  $warmed ||= Process.pid
  {
    "pid" => Process.pid, "loaded-by" => LOADED_BY, "warmed" => $warmed, "forked" => HEARD.join(","), "parent" => Process.ppid,
    "random" => $random, "threads" => Thread.list.size, "output" => File.readlink("/proc/self/fd/1"),
    "children" => `ps -o pid= --ppid #{LOADED_BY}`.lines.size
  }
end

run(lambda { |env|
  case env["PATH_INFO"]
  when "/wait" then sleep(0.01) until File.exist?("tmp/go")
  when "/say" then puts("said in #{Process.pid}")
  end
  [200, { "content-type" => "text/plain" }, facts.map { |name, value| "#{name}: #{value}\n" }]
})
