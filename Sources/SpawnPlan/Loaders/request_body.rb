# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require 'stringio'

module FlyingPassenger
  # A request body as Rack wants it: read when it is asked for, rewindable, to memory first and then to a file.
  class RequestBody
    IN_MEMORY = 128 * 1024
    CHUNK = 64 * 1024

    # `length` is nil for a body that ends with the connection.
    def initialize(stream, length, first)
      @stream = stream
      @expected = length
      @spool = StringIO.new(String.new(capacity: first.bytesize), 'r+b')
      @in_memory = true
      @position = 0
      @received = 0
      @searched = 0
      @last_newline = -1
      @ended = length == 0
      keep(first) unless first.empty?
    end

    # Whether bytes of this body are still to come on the connection.
    def unread?
      !@ended
    end

    def read(length = nil, buffer = nil)
      if length
        fill(@position + length)
      else
        fill_all
      end
      @spool.seek(@position)
      data = @spool.read(length)
      @position += data.bytesize if data
      data = data.dup.force_encoding('BINARY') if data && data.encoding != Encoding::BINARY
      return data unless buffer
      data ? buffer.replace(data) : buffer.clear
      data && buffer
    end

    def gets(*arguments)
      fill_line(arguments)
      @spool.seek(@position)
      line = @spool.gets(*arguments)
      @position = @spool.pos
      line
    end

    def each
      return enum_for(:each) unless block_given?
      while (line = gets)
        yield line
      end
      self
    end

    def rewind
      @position = 0
    end

    def size
      return @expected if @expected
      fill_all
      @received
    end

    def close
      @spool.close unless @spool.closed?
    end

    def set_encoding(*); end

    def external_encoding
      Encoding::BINARY
    end

    private

    def fill(position)
      pull while @received < position && !@ended
    end

    def fill_all
      pull until @ended
    end

    # A line needs its end, which nobody knows before it has come.
    def fill_line(arguments)
      return fill_all if @ended || !arguments.empty?
      until @ended || @last_newline >= @position
        pull if @searched >= @received
        search
      end
    end

    # Each byte is looked at once, however often lines are asked for.
    def search
      @spool.seek(@searched)
      data = @spool.read(CHUNK)
      return unless data
      newline = data.rindex("\n")
      @last_newline = @searched + newline if newline
      @searched += data.bytesize
    end

    def pull
      wanted = @expected ? [@expected - @received, CHUNK].min : CHUNK
      keep(@stream.socket.readpartial(wanted))
    rescue EOFError
      raise ClientGone, 'the request body ended too early' if @expected
      @ended = true
    rescue SystemCallError, IOError => error
      raise ClientGone, error.message
    end

    def keep(data)
      spill if @in_memory && @received + data.bytesize > IN_MEMORY
      @spool.seek(@received)
      @spool.write(data)
      @received += data.bytesize
      @ended = true if @expected && @received >= @expected
    end

    def spill
      require 'tempfile'
      file = Tempfile.create('passenger-body', :mode => File::RDWR | File::BINARY)
      File.unlink(file.path)
      @spool.rewind
      file.write(@spool.read)
      @spool = file
      @in_memory = false
    end
  end

  # The other side has gone: nothing to answer, nothing to report.
  class ClientGone < EOFError
  end
end
