# frozen_string_literal: true

OBJECTS = Array.new(148_000) { |number| "a string that is too long to lie in its object, #{number}" }
