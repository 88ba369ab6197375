# frozen_string_literal: true

require "etc"
require "sinatra/base"

# A Sinatra application in the modular style. `url` and `to` put the sub-URI in front where there is one.
class ExampleApp < Sinatra::Base
  set :public_folder, File.join(__dir__, "public")

  @requests = 0
  class << self
    attr_accessor :requests
  end

  before do
    settings.requests += 1
    content_type "text/plain"
  end

  get "/" do
    <<~TEXT
      app: sinatra
      user: #{Etc.getpwuid.name}
      pid: #{Process.pid}
      script name: #{request.script_name}
      requests: #{settings.requests}
    TEXT
  end

  get "/hello/:name" do
    "Hello #{params[:name]}, I live at #{url("/")}\n"
  end
end
