# Answers that come in parts.
class StreamsController < ApplicationController
  include ActionController::Live

  # The last part comes when the file with the name of the parameter is there.
  def show
    response.headers["Content-Type"] = "text/plain"
    # The middleware that makes an ETag of the body waits for its end otherwise.
    response.headers["Last-Modified"] = Time.now.httpdate
    response.stream.write("first\n")
    sleep 0.01 until Rails.root.join("tmp", File.basename(params[:until])).exist?
    response.stream.write("last\n")
  ensure
    response.stream.close
  end

  # Server-sent events, until the client leaves; the file then says so.
  def events
    response.headers["Content-Type"] = "text/event-stream"
    response.headers["Last-Modified"] = Time.now.httpdate
    events = SSE.new(response.stream, event: "tick")
    1.step { |number| events.write(number: number); sleep 0.02 }
  rescue ActionController::Live::ClientDisconnected, IOError => error
    Rails.root.join("tmp", File.basename(params[:until])).write(error.class.name)
  ensure
    events&.close
  end

  def broken
    response.headers["Last-Modified"] = Time.now.httpdate
    response.stream.write("first\n")
    raise "in the middle of a stream"
  ensure
    response.stream.close
  end
end
