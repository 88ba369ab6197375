# frozen_string_literal: true

require "sinatra/base"

class Pages < Sinatra::Base
  set :public_folder, File.join(__dir__, "public")

  before { content_type "text/plain" }

  get("/target") { "arrived\n" }
  get("/redirect") { redirect to("/target") }
  get("/hello/:name") { "hello: #{params[:name]}\n" }

  get "/*" do
    <<~TEXT
      script name: #{request.script_name}
      path info: #{request.path_info}
      full path: #{env["REQUEST_URI"]}
      asset: #{url("/images/logo.txt", false)}
      page: #{url("/target", false)}
      variables: #{%w[RAILS_RELATIVE_URL_ROOT RACK_BASE_URI PASSENGER_BASE_URI].map { |name| ENV[name] }.join(",")}
    TEXT
  end
end

run Pages
