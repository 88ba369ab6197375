# frozen_string_literal: true

require "greeting"

run lambda { |_env|
  bundler = defined?(Bundler) ? "loaded" : "not loaded"
  page = "app: setup-load-paths\ngreeting: #{Greeting.to("world")}\nbundler: #{bundler}\n"
  [200, { "content-type" => "text/plain; charset=utf-8" }, [page]]
}
