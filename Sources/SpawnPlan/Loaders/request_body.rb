# frozen_string_literal: true
# SPDX-License-Identifier: MIT

require 'stringio'

module FlyingPassenger
  # A request body as Rack wants it: read when it is asked for, rewindable, to memory first and then to a file.
  class RequestBody
    IN_MEMORY = 128 * 1024
    CHUNK = 64 * 1024

    # `length` is nil for a body that ends with its last chunk (`framed`), or with the connection.
    def initialize(stream, length, first, framed = false)
      @stream = stream
      @expected = length
      @spool = StringIO.new(String.new(capacity: first.bytesize), 'r+b')
      @in_memory = true
      @position = 0
      @received = 0
      @searched = 0
      @last_newline = -1
      @ended = length == 0
      @chunks = ChunkDecoder.new if framed
      take(first) unless first.empty?
    end

    # Whether the connection is still, or for ever, this body's.
    def unread?
      !@ended || !(@expected || @chunks)
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

    # What a thread of the application still asks for afterwards must not be read from the connection.
    def close
      @closed = true
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
      return fill_all if @ended || !arguments.empty? || $/ != "\n"
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
      raise IOError, 'the request has been answered' if @closed
      wanted = @expected ? [@expected - @received, CHUNK].min : CHUNK
      take(@stream.socket.readpartial(wanted))
    rescue ClientGone
      raise
    rescue EOFError
      raise ClientGone, "the request body ended too early: after #{@received} bytes#{announced}" if @expected || @chunks
      @ended = true
    rescue SystemCallError, IOError => error
      raise ClientGone, error.message
    end

    def announced
      @expected ? " of #{@expected}" : ', before its last chunk'
    end

    def take(bytes)
      return keep(bytes) unless @chunks
      keep(@chunks.decode(bytes))
      @ended = @chunks.ended?
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
      file = Tempfile.create('passenger-body')
      File.unlink(file.path)
      # Rails sets Encoding.default_internal, with which a text file would take the bytes for characters.
      file.binmode
      @spool.rewind
      file.write(@spool.read)
      @spool = file
      @in_memory = false
    end
  end

  # Takes off the chunk coding of RFC 9112 §7.1, which comes without extensions and trailers.
  class ChunkDecoder
    SIZE_LINE = /\A\h{1,15}\r\n/n.freeze
    # Bytes in which a size line, or the end of a chunk, must have ended.
    MAX_LINE = 17

    def initialize
      @rest = String.new
      @left = 0
      @wanted = :size
    end

    # Whether the last chunk has been seen.
    def ended?
      @wanted == :nothing
    end

    # Answers the data that these bytes bring.
    def decode(bytes)
      @rest << bytes
      data = String.new
      nil while step(data)
      raise ClientGone, 'bytes follow the request' if ended? && !@rest.empty?
      data
    end

    private

    # Answers false when more bytes are needed.
    def step(data)
      case @wanted
      when :size then size_line
      when :data then chunk(data)
      when :chunk_end then line_end(:size)
      when :body_end then line_end(:nothing)
      end
    end

    def size_line
      line = @rest.slice!(SIZE_LINE)
      return incomplete unless line
      @left = line.to_i(16)
      @wanted = @left.zero? ? :body_end : :data
    end

    def chunk(data)
      return if @rest.empty?
      part = @rest.slice!(0, @left)
      @left -= part.bytesize
      data << part
      @wanted = :chunk_end if @left.zero?
      true
    end

    def line_end(following)
      return if @rest.bytesize < 2
      raise ClientGone, 'a chunk of the request body does not end where it should' unless @rest.slice!(0, 2) == "\r\n"
      @wanted = following
    end

    def incomplete
      raise ClientGone, 'a chunk of the request body has no size' if @rest.bytesize >= MAX_LINE || @rest.include?("\n")
    end
  end

  # The other side has gone: nothing to answer, nothing to report.
  class ClientGone < EOFError
  end
end
