# frozen_string_literal: true

# A library that comes with the application.
module Greeting
  def self.to(name)
    "Hello, #{name}!"
  end
end
