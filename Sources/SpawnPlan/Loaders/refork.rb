# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # A server in a process that a preloader has forked: it can be forked in turn, into the next preloader.
  #
  # That has what the process has loaded, and nothing of its server: no stream, no socket, no thread, no signal handler.
  module Refork
    attr_writer :preloader

    def reforks?
      @reforks
    end

    private

    def read_control
      @channel ||= Socket.for_fd(CONTROL.fileno).tap { |channel| channel.autoclose = false }
      text, descriptors = Preloader.receive(@channel)
      name = text[/^refork (\w+)$/, 1]
      name ? refork(name, descriptors) : descriptors.each(&:close)
      @role ? '' : text
    end

    # No request comes before it has forked.
    def refork(name, descriptors)
      @reforks = true
      became = @preloader.refork(name, descriptors) { release }
      return @reforks = false unless became
      # Forks that come now are the preloader's.
      @role = :preloader
      @stopping = true
    end

    # In the child.
    def release
      @signals.release
      @listener.to_io.autoclose = false # something else will have its number
      [@wake_reader, @wake_writer, @return_reader, @return_writer].compact.each { |io| close_quietly(io) }
      held_streams.each { |stream| close_quietly(stream.socket) unless stream.hijacked }
    end

    def held_streams
      (@streams + (@given || {}).keys).select { |stream| stream.is_a?(Stream) }
    end
  end
end
