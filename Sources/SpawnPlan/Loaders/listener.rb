# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require 'socket'

module FlyingPassenger
  # The listening socket that the process was given.
  class Listener
    DESCRIPTOR = 3

    def self.inherited_socket
      RUBY_ENGINE == 'jruby' ? NativeListener.new : new
    end

    # Descriptor 3 is no listening socket any more.
    class Lost < StandardError
    end

    attr_reader :to_io

    def initialize
      @to_io = UNIXServer.for_fd(DESCRIPTOR)
      @to_io.close_on_exec = true
    end

    # A connection, or nil when there is none (any more).
    def accept
      socket = @to_io.accept_nonblock(exception: false)
      socket == :wait_readable ? nil : socket
    rescue Errno::EMFILE, Errno::ENFILE
      sleep 0.05 # the connection stays in the queue until a descriptor is free
      nil
    rescue Errno::EBADF, Errno::ENOTSOCK, Errno::EINVAL, Errno::EOPNOTSUPP, IOError
      raise Lost
    rescue SystemCallError
      nil
    end
  end

  # For JRuby, whose UNIXServer accepts only on sockets that it has made itself.
  class NativeListener < Listener
    CLOSE_ON_EXEC = 0o2000000

    def initialize
      require 'ffi'
      @library = Module.new do
        extend FFI::Library
        ffi_lib FFI::Library::LIBC
        attach_function :accept4, [:int, :pointer, :pointer, :int], :int
      end
      @to_io = IO.for_fd(DESCRIPTOR, 'r')
      @to_io.close_on_exec = true
    end

    # On a blocking socket: it is only called when there is a connection, and nobody else takes one.
    def accept
      descriptor = @library.accept4(DESCRIPTOR, nil, nil, CLOSE_ON_EXEC)
      return wait_for_descriptor if descriptor < 0
      begin
        socket = UNIXSocket.for_fd(descriptor)
        socket.sync = true
        socket
      rescue SystemCallError, IOError
        IO.for_fd(descriptor).close
        nil
      end
    end

    def wait_for_descriptor
      sleep 0.05 if [Errno::EMFILE::Errno, Errno::ENFILE::Errno].include?(FFI.errno)
      nil
    end
  end
end
