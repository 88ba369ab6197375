# frozen_string_literal: true

require "digest"
require "etc"

def note(event) = File.write("tmp/events-#{$$}", "#{event}\n", mode: "a")

PhusionPassenger.on_event(:starting_worker_process) { note("starting_worker_process") }
PhusionPassenger.on_event(:after_installing_signal_handlers) { note("after_installing_signal_handlers") }
PhusionPassenger.on_event(:starting_request_handler_thread) { note("starting_request_handler_thread") }
PhusionPassenger.on_event(:stopping_worker_process) { note("stopping_worker_process") }
at_exit { note("ended") }

run(lambda { |env|
  puts("said on standard output #{$$}")
  warn("said on standard error #{$$}")
  body = env["rack.input"].read.to_s
  facts = {
    "pid" => $$, "user" => Etc.getpwuid.name, "env" => ENV["RACK_ENV"], "method" => env["REQUEST_METHOD"],
    "uri" => env["REQUEST_URI"], "script" => env["SCRIPT_NAME"], "path" => env["PATH_INFO"], "query" => env["QUERY_STRING"],
    "type" => env["CONTENT_TYPE"], "body" => "#{body.bytesize} #{Digest::SHA256.hexdigest(body)}"
  }
  [200, { "content-type" => "text/plain" }, facts.map { |name, value| "#{name}: #{value}\n" }]
})
