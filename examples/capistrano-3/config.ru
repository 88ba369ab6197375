# frozen_string_literal: true

# The application that is deployed. Its page says which release it is.

require "etc"

release = File.basename(Dir.pwd)

run(lambda { |_env|
  page = "app: shop\nversion: 1\nrelease: #{release}\nuser: #{Etc.getpwuid.name}\npid: #{Process.pid}\n"
  [200, { "content-type" => "text/plain; charset=utf-8" }, [page]]
})
