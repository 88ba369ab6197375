# frozen_string_literal: true

# The smallest Rack application: something that answers `call` with status, headers and body.
# This file is also its startup file, so whoever owns it is the user the application runs as.

require "etc"

requests = 0

run(lambda { |env|
  requests += 1
  page = <<~TEXT
    app: rack
    user: #{Etc.getpwuid.name}
    pid: #{Process.pid}
    script name: #{env["SCRIPT_NAME"]}
    requests: #{requests}
  TEXT
  [200, { "content-type" => "text/plain; charset=utf-8" }, [page]]
})
