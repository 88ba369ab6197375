# SPDX-License-Identifier: MIT
#
# Answers as frameworks of Rack 2 and 3 make them, one at each path.

require 'set'
require 'phusion_passenger'

# Gives "ab" in two parts; what else it has says the block.
class Parts
  def self.with(&block)
    Class.new(self, &block).new
  end

  def each
    yield 'a'
    yield 'b'
  end
end

def file(name = 'public/file.txt')
  Parts.with { define_method(:to_path) { name } }
end

def raising(before)
  Parts.with do
    define_method(:each) do |&block|
      before.each(&block)
      raise 'in the middle'
    end
  end
end

TEXT = { 'content-type' => 'text/plain' }.freeze
STREAM = { 'content-type' => 'text/plain', 'rack.hijack' => lambda { |io| io.write('ab'); io.close } }.freeze
# Path => [status, headers, body], made anew for each request.
CASES = {
  '/array' => -> { [200, TEXT, %w[a b]] },
  '/frozen' => -> { [200, TEXT, ['ab'.freeze].freeze] },
  '/frozen-answer' => -> { [200, TEXT, %w[a b].freeze].freeze },
  '/each' => -> { [200, TEXT, Parts.new] },
  '/to-ary' => -> { [200, TEXT, Parts.with { def to_ary; %w[a b]; end }] },
  '/to-ary-nil' => -> { [200, TEXT, Parts.with { def to_ary; end }] },
  '/to-path-nil' => -> { [200, TEXT, Parts.with { def to_path; end }] },
  '/to-path-missing' => -> { [200, TEXT, file('/nonexistent')] },
  '/to-path-folder' => -> { [200, TEXT, file('/')] },
  '/to-path' => -> { [200, TEXT, file] },
  '/to-path-length' => -> { [200, TEXT.merge('Content-Length' => '2'), file] },
  '/to-path-other-length' => -> { [200, TEXT.merge('Content-Length' => '2'), file('config.ru')] },
  '/enumerator' => -> { [200, TEXT, Enumerator.new { |parts| parts << 'a' << 'b' }] },
  '/lazy' => -> { [200, TEXT, %w[a b].lazy.map(&:itself)] },
  '/set' => -> { [200, TEXT, Set['a', 'b']] },
  '/call' => -> { [200, TEXT, ->(stream) { stream << 'a'; stream.write('b'); stream.flush; stream.close }] },
  '/call-open' => -> { [200, TEXT, ->(stream) { stream.write('a', 'b') }] },
  '/call-length' => -> { [200, TEXT.merge('content-length' => 2), ->(stream) { stream.write('ab'); stream.close }] },
  '/call-thread' => -> { [200, TEXT, ->(stream) { Thread.new { sleep 0.05; stream.write('ab'); stream.close } }] },
  '/hijack' => -> { [200, STREAM, []] },
  '/symbols' => -> { [200, TEXT, [:a, 'b']] },
  '/numbers' => -> { [200, TEXT, Parts.with { def each; yield 1; yield nil; yield 2; end }] },
  '/nil' => -> { [200, TEXT, nil] },
  '/close-raises' => -> { [200, TEXT, Parts.with { def close; raise 'while closing'; end }] },
  '/pairs' => -> { [200, [%w[content-type text/plain], %w[x-a 1], %w[x-a 2]], %w[a b]] },
  '/names' => -> { [200, { 'x-a': :one, 'X-B' => 2, 'x-none' => nil, 'x-empty' => '' }, %w[a b]] },
  '/values' => -> { [200, TEXT.merge('x-a' => ['1', nil, 2], 'x-b' => "1\n2"), %w[a b]] },
  '/text-status' => -> { ['201 Created', TEXT, %w[a b]] },
  '/chunked' => -> { [200, TEXT.merge('Transfer-Encoding' => 'chunked'), ["2\r\nab\r\n", "0\r\n\r\n"]] },
  '/no-content' => -> { [204, TEXT.merge('Content-Length' => '2', 'Transfer-Encoding' => 'chunked'), %w[a b]] },
  '/not-modified' => -> { [304, {}, %w[a b]] },
  '/binary' => -> { [200, TEXT.merge('x-a' => "\xff".dup), ["\xffa".dup, 'ü']] },
  # What cannot be sent.
  '/raises-first' => -> { [200, TEXT, raising([])] },
  '/raises-later' => -> { [200, TEXT, raising(['a'])] },
  '/string' => -> { [200, TEXT, 'ab'] },
  '/number' => -> { [200, TEXT, 12] },
  '/no-answer' => -> {},
  '/zero' => -> { [0, TEXT, %w[a b]] },
  '/name-status' => -> { [:ok, TEXT, %w[a b]] },
  '/continue' => -> { [100, TEXT, %w[a b]] },
  '/hints' => -> { [103, TEXT, %w[a b]] },
  '/switching' => -> { [101, TEXT, %w[a b]] },
  '/no-headers' => -> { [200, nil, %w[a b]] },
  '/bad-name' => -> { [200, { "x-a\n" => '1' }, %w[a b]] },
  '/bad-length' => -> { [200, { 'content-length' => 'two' }, %w[a b]] },
  '/long' => -> { [200, { 'content-length' => '1' }, %w[a b]] },
  '/short' => -> { [200, { 'content-length' => '3' }, %w[a b]] },
  '/short-each' => -> { [200, { 'content-length' => '3' }, Parts.new] },
  '/bad-hijack' => -> { [200, { 'rack.hijack' => 'io' }, []] }
}.freeze

# What Rack's own checker has to say of requests and answers; it needs the library uri and does not require it.
LINTED = Rack::Lint.new(
  lambda do |env|
    case env['PATH_INFO']
    when '/lint/body' then [200, TEXT.dup, [env['rack.input'].read]]
    when '/lint/lines' then [200, TEXT.dup, env['rack.input'].enum_for(:each).to_a]
    when '/lint/again'
      env['rack.input'].gets
      env['rack.input'].rewind
      [200, TEXT.dup, [env['rack.input'].read(2, String.new), env['rack.input'].read]]
    when '/lint/redirect' then [302, { 'location' => '/lint' }, []]
    when '/lint/not-modified' then [304, {}, []]
    when '/lint/hijack'
      env['rack.hijack'].call.tap { |io| io.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab") }.close
      [200, TEXT.dup, []]
    when '/lint/partial' then [200, TEXT.merge('rack.hijack' => ->(io) { io.write('ab'); io.close }), []]
    else [200, TEXT.dup, %w[a b]]
    end
  end
)

# Asked to end, a forked child ends; the server does not.
def forked
  child = fork { sleep }
  sleep 0.1
  Process.kill(:TERM, child)
  _, status = Process.wait2(child)
  "#{status.termsig} #{open_descriptors}"
end

# How many sockets a child has: neither listener nor control channel nor streams.
def open_descriptors
  reader, writer = IO.pipe
  child = fork do
    files = Dir.children('/proc/self/fd').map { |name| File.readlink("/proc/self/fd/#{name}") rescue '' }
    writer.write(files.count { |file| file.start_with?('socket:') }.to_s)
    exit!(0)
  end
  writer.close
  Process.wait(child)
  reader.read
end

run lambda { |env|
  next [200, TEXT, [forked]] if env['PATH_INFO'] == '/forked'
  next [200, TEXT, [PhusionPassenger::App.options['app_type']]] if env['PATH_INFO'] == '/ours'
  next LINTED.call(env) if env['PATH_INFO'].start_with?('/lint')
  next [200, TEXT, [Process.pid.to_s]] if env['PATH_INFO'] == '/pid'

  CASES.fetch(env['PATH_INFO'], -> { [404, {}, []] }).call
}
