# frozen_string_literal: true

# A room in which everybody hears what one says.
class ChatChannel < ActionCable::Channel::Base
  def subscribed
    stream_from("chat")
  end

  def speak(message)
    ActionCable.server.broadcast("chat", { text: message["text"], pid: Process.pid })
  end
end
