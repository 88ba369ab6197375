# frozen_string_literal: true
#
# GET /die?how=exit|segv|kill|memory ends the process, after a line in tmp/runs.txt; /hang?s=N answers late; all else is its pid.
# "memory" wants more than it may have; a language may survive that.
def starve
  pages = File.read("/proc/self/statm").to_i
  Process.setrlimit(:AS, pages * 4096 + 32 * 1024 * 1024)
  "x" * (1 << 30)
end

ENDS = {
  "exit" => -> { exit!(1) },
  "segv" => -> { Process.kill(:SEGV, Process.pid) },
  "kill" => -> { Process.kill(:KILL, Process.pid) },
  "memory" => -> { starve }
}.freeze

run(lambda { |env|
  case env["PATH_INFO"]
  when "/die"
    File.open("tmp/runs.txt", "a") { |file| file.puts(env["QUERY_STRING"]) }
    ENDS.fetch(env["QUERY_STRING"][/how=(\w+)/, 1]).call
    sleep
  when "/hang" then sleep(env["QUERY_STRING"][/s=(\d+)/, 1].to_i)
  end
  [200, { "content-type" => "text/plain" }, ["pid: #{Process.pid}\n"]]
})
