# The smallest answer Rack gives, so that what is measured is the way to it.
# /bytes/N answers with N bytes, /pid with the process, a POST to another path than / with the length of its body.

BLOCK = ('x' * 65_536).freeze

# An answer of many bytes, made while it is sent.
class Blocks
  def initialize(length)
    @length = length
  end

  def each
    (@length / BLOCK.bytesize).times { yield BLOCK }
    rest = @length % BLOCK.bytesize
    yield BLOCK[0, rest] if rest.positive?
  end
end

def text(body)
  [200, { 'Content-Type' => 'text/plain', 'Content-Length' => body.bytesize.to_s }, [body]]
end

def body_length(input)
  length = 0
  while (block = input.read(65_536))
    length += block.bytesize
  end
  length
end

run(lambda do |env|
  path = env['PATH_INFO']
  next text("hello world\n") if path == '/'
  next text("#{body_length(env['rack.input'])}\n") if env['REQUEST_METHOD'] == 'POST'
  next text("#{Process.pid}\n") if path == '/pid'

  length = Integer(path.split('/')[2], 10)
  [200, { 'Content-Type' => 'application/octet-stream', 'Content-Length' => length.to_s }, Blocks.new(length)]
end)
