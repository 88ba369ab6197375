# frozen_string_literal: true

# An application that takes its time and its memory to load, and has a connection to a database by then. It is loaded once, in the
# preloader; its processes are forked from that.

require "active_record"

LOADED_BY = Process.pid
# Stands for the code and the tables of a large application: about 40 MiB, which all processes share.
WORDS = Array.new(600_000) { |number| "word number #{number}" }.freeze

ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: File.join(__dir__, "db/visits.sqlite3"), timeout: 5000)

class Visit < ActiveRecord::Base
  connection.create_table(:visits, if_not_exists: true) { |table| table.integer :pid }
end

# Runs beside the requests; a thread does not outlive a fork, so each process starts its own.
class Ticker
  attr_reader :ticks

  def initialize
    @ticks = 0
    @thread = Thread.new { loop { sleep 0.1; @ticks += 1 } }
  end

  def alive?
    @thread.alive?
  end
end

ticker = nil
if defined?(PhusionPassenger)
  # In each process, before its first request. `forked` is false with passenger_spawn_method direct.
  #
  # Connections of ActiveRecord are opened anew without a word here. Whatever else was opened while the application was loaded, a
  # client of Redis for example, must be opened anew here if `forked`, else all processes would write to the same one.
  PhusionPassenger.on_event(:starting_worker_process) do |forked|
    ticker = Ticker.new
    puts "process #{Process.pid} starts, #{forked ? "forked" : "not forked"}"
  end
else
  ticker = Ticker.new
end

run lambda { |_env|
  Visit.create!(pid: Process.pid)
  sleep 0.2 # stands for work, so that several processes are needed
  page = <<~TEXT
    app: smart-spawning
    pid: #{Process.pid}
    loaded by: #{LOADED_BY}
    words: #{WORDS.size}
    ticker: #{ticker.alive? ? "runs" : "does not run"}
    visits: #{Visit.count}
  TEXT
  [200, { "content-type" => "text/plain; charset=utf-8" }, [page]]
}
