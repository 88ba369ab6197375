# frozen_string_literal: true
#
# Stops at a step of a fork for as long as the file tmp/pause-STEP exists, and says so in tmp/at-STEP, with its PID.
module Steps
  def self.stop(step)
    pause = "tmp/pause-#{step}"
    return unless File.exist?(pause)
    File.write("tmp/at-#{step}.new", Process.pid.to_s)
    File.rename("tmp/at-#{step}.new", "tmp/at-#{step}")
    sleep 0.002 while File.exist?(pause)
  end

  private

  def fork_process(*)
    Steps.stop("order")
    super
  end

  def fork_again(*)
    Steps.stop("first-child")
    super
  end

  def become(*)
    Steps.stop("second-child")
    super
  end

  def place(_, number)
    Steps.stop("descriptors") if number == 4
    super
  end
end

FlyingPassenger::Preloader.prepend(Steps)
PhusionPassenger.on_event(:starting_worker_process) { Steps.stop("after-fork") }
PhusionPassenger.on_event(:after_installing_signal_handlers) { Steps.stop("listen") }
