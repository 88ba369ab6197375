# frozen_string_literal: true

# A Rack application in the Java virtual machine: Java's classes are there, and threads run at the same time.
require "etc"

run(lambda { |env|
  threads = 4.times.map { |number| Thread.new { java.lang.Math.pow(2, number).to_i } }
  page = <<~TEXT
    app: jruby
    interpreter: #{RUBY_ENGINE} #{JRUBY_VERSION} (Ruby #{RUBY_VERSION})
    java: #{java.lang.System.get_property("java.version")}
    user: #{Etc.getpwuid.name}
    pid: #{Process.pid}
    script name: #{env["SCRIPT_NAME"]}
    powers: #{threads.map(&:value).join(" ")}
  TEXT
  [200, { "content-type" => "text/plain; charset=utf-8" }, [page]]
})
