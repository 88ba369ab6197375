# A room in which everybody hears what one says.
class ChatChannel < ApplicationCable::Channel
  def subscribed
    params[:room] ? stream_from("chat:#{params[:room]}") : reject
  end

  def speak(message)
    ActionCable.server.broadcast("chat:#{params[:room]}", { text: message["text"], pid: Process.pid })
  end
end
