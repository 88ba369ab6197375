# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # Makes the Rack environments of requests.
  #
  # A request with as many fields as one before has the same ones in the same order, as a rule. So it begins as a copy of a
  # template that has a place for each of them, which is half the work of making the places anew.
  class Environments
    # Requests with more fields have no template: names come from clients, and are kept here.
    MOST_FIELDS = 64

    Template = Struct.new(:format, :names, :places)

    # What is the same in all of them; what is nil is set for each request by others.
    def initialize(constants)
      @constants = constants
      @templates = []
    end

    # `head`: names and values in turn, a NUL behind each.
    def make(head)
      count = head.count("\0") / 2
      template = @templates[count]
      return remember(head.unpack('Z*Z*' * count), count) unless template
      fields = head.unpack(template.format)
      environment = template.places.dup
      index = 0
      template.names.each do |name|
        return remember(fields, count) unless fields[index] == name
        environment[name] = fields[index + 1]
        index += 2
      end
      environment
    end

    private

    def remember(fields, count)
      fields = fields.each_slice(2).to_a
      if count <= MOST_FIELDS
        names = fields.map { |name, _| -name }
        places = @constants.merge(Hash[names.map { |name| [name, nil] }]).freeze
        @templates[count] = Template.new('Z*Z*' * count, names, places)
      end
      @constants.merge(Hash[fields])
    end
  end
end
