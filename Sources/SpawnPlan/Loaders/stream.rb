# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # One kept connection of the daemon; requests come one after the other.
  class Stream
    attr_reader :socket, :hijack
    attr_accessor :pending, :hijacked, :environment, :hints

    def initialize(socket)
      @socket = socket
      @pending = nil
      @hijacked = false
      @hijack = lambda { take_over }
    end

    def to_io
      @socket
    end

    # Full hijack: from now on the application owns the socket.
    def take_over
      raise IOError, 'the request that could be hijacked has been answered' unless @environment
      @hijacked = true
      @environment['rack.hijack_io'] = @socket
    end

    def finish
      @socket.close
    rescue SystemCallError, IOError
      nil
    end
  end
end
