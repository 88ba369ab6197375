# frozen_string_literal: true

# A chat room over Action Cable, in as little of Rails as it takes. The page is public/index.html.

require "logger"
require "securerandom"
require "rails"
require "action_controller/railtie"
require "action_cable/engine"

class Chat < Rails::Application
  config.root = __dir__
  config.eager_load = true
  config.logger = Logger.new($stdout)
  config.log_level = :info
  config.secret_key_base = SecureRandom.hex(32)
  # Rails adds this route by itself.
  config.action_cable.mount_path = "/cable"
end

Chat.initialize!

run Chat
