# frozen_string_literal: true

# Nothing here reloads code by itself, as Rails does in development.
require_relative "page"

run lambda { |_env| [200, { "content-type" => "text/plain; charset=utf-8" }, ["app: always-restart\npid: #{Process.pid}\n#{PAGE}"]] }
