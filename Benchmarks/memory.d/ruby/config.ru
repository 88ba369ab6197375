# frozen_string_literal: true

# An application with 50 MiB of objects that it makes while it is loaded, as code and its tables are, and a few that each
# request makes.

OBJECTS = Array.new(370_000) { |number| "a string that is too long to lie in its object, #{number}" }

run(lambda { |_env|
  words = Array.new(1000) { |number| OBJECTS[number * 300].upcase }
  [200, { "content-type" => "text/plain", "content-length" => "12" }, [words.empty? ? "" : "hello world\n"]]
})
