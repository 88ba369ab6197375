# frozen_string_literal: true

require "digest"
require "etc"

# As Rails sets it, which changes what files in text mode make of bytes.
Encoding.default_internal = Encoding::UTF_8

BLOCK = (0..255).to_a.pack("C*") * 256

# A body of unknown length, so that it is streamed.
class Stream
  def initialize(bytes)
    @bytes = bytes
  end

  def each
    left = @bytes
    while left.positive?
      yield left >= BLOCK.bytesize ? BLOCK : BLOCK.byteslice(0, left)
      left -= BLOCK.bytesize
    end
  end
end

class Lines
  def initialize(count)
    @count = count
  end

  def each
    @count.times { |number| yield "line #{number}\n" }
  end
end

def status_fields
  File.read("/proc/self/status").lines.grep(/\A(Uid|Gid|Groups|CapEff|NoNewPrivs):/).join
end

def echo(input)
  digest = Digest::SHA256.new
  length = 0
  while (part = input.read(65_536))
    digest.update(part)
    length += part.bytesize
  end
  "#{length} #{digest.hexdigest}\n"
end

def request_lines(env)
  env.select { |name, value| value.is_a?(String) && name.match?(/\A[A-Z]/) }.sort.map { |pair| "#{pair.join("=")}\n" }.join
end

requests = 0

run(lambda { |env|
  requests += 1
  number = env["QUERY_STRING"][/=(\d+)/, 1].to_i
  headers = { "content-type" => "text/plain" }
  case env["PATH_INFO"]
  when "/" then body = <<~TEXT
    app: rack
    user: #{Etc.getpwuid.name}
    pid: #{Process.pid}
    script name: #{env["SCRIPT_NAME"]}
    requests: #{requests}
  TEXT
  when "/pid" then body = "#{Process.pid}\n"
  when "/interpreter" then body = "#{RUBY_ENGINE} #{RUBY_VERSION}\n"
  when "/ids" then body = status_fields
  when "/env" then body = ENV.map { |pair| "#{pair.join("=")}\n" }.join
  when "/request" then body = request_lines(env)
  when "/echo" then body = echo(env["rack.input"])
  when "/download" then next [200, headers.merge("content-length" => number.to_s), Stream.new(number)]
  when "/chunks" then next [200, headers, Lines.new(number)]
  when "/sleep"
    sleep(number / 1000.0)
    body = "#{Process.pid}\n"
  when "/exit" then exit!(7)
  when "/raise" then raise "raised on purpose"
  when "/log" then $stderr.puts("a line on standard error") || body = "logged\n"
  else next [404, headers, ["no such page in the application\n"]]
  end
  [200, headers, [body]]
})
