# frozen_string_literal: true

# An application of which the first request loads 20 MiB, as code that is loaded when it is needed and its tables are, and a few
# objects that each request makes.

Object.autoload :OBJECTS, File.expand_path("objects", __dir__)

run(lambda { |_env|
  words = Array.new(1000) { |number| OBJECTS[number * 140].upcase }
  [200, { "content-type" => "text/plain", "content-length" => "12" }, [words.empty? ? "" : "hello world\n"]]
})
