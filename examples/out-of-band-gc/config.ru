# frozen_string_literal: true

# Garbage is collected between requests, while another process of the application serves: docs/out-of-band-work.md.

require "etc"

if defined?(PhusionPassenger)
  # The middleware asks for it after every fifth request of a process, and collects garbage.
  require "phusion_passenger/rack/out_of_band_gc"
  use PhusionPassenger::Rack::OutOfBandGc, 5

  # Whatever else is better done while no visitor waits has its place in a handler of its own.
  PhusionPassenger.on_event(:oob_work) { $stderr.puts "out-of-band work in process #{Process.pid}" }
end

run(lambda { |env|
  # A collection between two requests shows here; one within a request makes a visitor wait.
  page = <<~TEXT
    app: out-of-band-gc
    user: #{Etc.getpwuid.name}
    pid: #{Process.pid}
    garbage collections: #{GC.count}
  TEXT
  headers = { "content-type" => "text/plain; charset=utf-8" }
  # Any answer may ask for it. The front takes this field away.
  headers["x-passenger-request-oob-work"] = "true" if env["PATH_INFO"] == "/ask"
  [200, headers, [page]]
})
