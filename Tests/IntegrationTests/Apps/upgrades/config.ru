# SPDX-License-Identifier: MIT
#
# Upgrades in all the ways that Rack has, one at each path. What was taken over sends back what comes, in a thread.

HEAD = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
UPGRADE = { 'Upgrade' => 'echo', 'Connection' => 'Upgrade' }.freeze
TEXT = { 'Content-Type' => 'text/plain' }.freeze
ENDED = Queue.new

# Until the other side has finished, or has gone.
def echo(io)
  Thread.new do
    io.write(io.readpartial(1000)) while true
  rescue EOFError, SystemCallError, IOError => error
    ENDED << error.class.to_s
    io.close
  end
end

# Finishes first, and hears the other side out.
def finish_first(io)
  Thread.new do
    io.write('bye')
    io.close_write
    ENDED << "heard #{io.read}"
    io.close
  end
end

# Frames of a real library.
class Socket
  attr_reader :env, :url

  def self.open(env)
    require 'websocket/driver'
    new(env).run(env['rack.hijack'].call)
  end

  def initialize(env)
    @env = env
    @url = "ws://#{env['HTTP_HOST']}#{env['PATH_INFO']}"
  end

  def write(bytes)
    @io.write(bytes)
  end

  def run(io)
    @io = io
    driver = WebSocket::Driver.rack(self)
    driver.on(:message) { |event| driver.text(event.data.upcase) }
    driver.on(:close) { |event| ENDED << "closed #{event.code}" }
    driver.start
    Thread.new do
      driver.parse(io.readpartial(1000)) while driver.state != :closed
      io.close
    rescue EOFError, SystemCallError, IOError
      io.close
    end
  end
end

WAYS = {
  '/full' => ->(env) { echo(env['rack.hijack'].call.tap { |io| io.write(HEAD) }); [-1, {}, []] },
  '/partial' => ->(_) { [101, UPGRADE.merge('rack.hijack' => ->(io) { echo(io) }), []] },
  '/call' => ->(_) { [101, UPGRADE, ->(io) { echo(io) }] },
  '/first' => ->(_) { [101, UPGRADE.merge('rack.hijack' => ->(io) { finish_first(io) }), []] },
  '/socket' => ->(env) { Socket.open(env); [-1, {}, []] },
  '/refused' => ->(_) { [403, TEXT, ['no']] },
  '/raises' => ->(env) { env['rack.hijack'].call.write(HEAD); raise 'after the hijack' },
  '/unasked' => ->(_) { [101, {}, []] },
  '/ended' => ->(_) { [200, TEXT, [ENDED.empty? ? '' : ENDED.pop]] }
}.freeze

run ->(env) { WAYS.fetch(env['PATH_INFO'], ->(_) { [200, TEXT, ["pid: #{$$}\n"]] }).call(env) }
