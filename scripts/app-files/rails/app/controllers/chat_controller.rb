class ChatController < ApplicationController
  def show; end
end
