# frozen_string_literal: true
#
# Preloaders that gain nothing by it; with the environment variable HOSTILE_REFORK processes that are to fork one.
CONTROL_SOCKET = 4

def say_worker(name, control)
  control.syswrite("#{ENV["HOSTILE_REFORK"] ? "preloader" : "worker"} #{name}\n")
end

HOSTILE = {
  # Says that it is the forked process itself.
  "self" => lambda { |name, (_, control, _)| say_worker(name, control) },
  # Forks once only: what speaks is its own child.
  "child" => lambda { |name, (_, control, _)|
    fork do
      say_worker(name, control)
      sleep
    end
  },
  # Forks twice, but what speaks leads no session, so that it could end with others.
  "session" => lambda { |name, (_, control, _)|
    fork do
      exit!(0) if fork
      sleep 0.001 until Process.ppid == CORE
      say_worker(name, control)
      sleep
    end
  },
  "lies" => lambda { |_, (_, control, _)| say_worker("0", control) },
  "garbage" => lambda { |_, (_, control, _)| control.syswrite("\0" * 5000) },
  "silent" => lambda { |_, _| sleep },
  "flood" => lambda { |_, _| loop { IO.for_fd(CONTROL_SOCKET, autoclose: false).syswrite("x" * 1000 + "\n") } },
  "closes" => lambda { |_, _| IO.for_fd(CONTROL_SOCKET).close },
  "exits" => lambda { |_, _| exit!(3) },
  "forks" => lambda { |_, _| 200.times { fork { sleep } } && sleep }
}.freeze
CORE = Process.ppid

module Hostile
  private

  def fork_process(claim, descriptors, release = nil)
    return super if ENV["HOSTILE_REFORK"] && !release
    HOSTILE.fetch(ENV["HOSTILE"]).call(claim.split.last, descriptors)
    false
  end
end

FlyingPassenger::Preloader.prepend(Hostile)
