# frozen_string_literal: true

# An application that loads what it needs when it is asked for it: nothing of that is there when its preloader forks. A process that
# has served twenty requests becomes the next preloader, and has it.

LOADED_BY = Process.pid

module Shop
  # Stands for the code and tables that requests load: about 20 MiB.
  def self.catalog
    @catalog ||= { made_by: Process.pid, goods: Array.new(300_000) { |number| "article number #{number}" } }
  end
end

# A connection is opened by the first request, too.
module Warehouse
  class << self
    def connection
      @connection ||= File.open("/dev/null", "w")
    end

    def disconnect
      @connection&.close
      @connection = nil
    end
  end
end

if defined?(PhusionPassenger)
  # In the process that is to be forked, between two requests. What is open now would be shared by all that come of it; this process
  # goes on serving, and opens it again when it needs it.
  PhusionPassenger.on_event(:before_refork) do
    Warehouse.disconnect
    puts "process #{Process.pid} becomes what the others are forked from"
  end
end

run lambda { |_env|
  Warehouse.connection.puts "asked"
  page = <<~TEXT
    app: refork
    pid: #{Process.pid}
    loaded by: #{LOADED_BY}
    catalog made by: #{Shop.catalog[:made_by]}
  TEXT
  [200, { "content-type" => "text/plain; charset=utf-8" }, [page]]
}
