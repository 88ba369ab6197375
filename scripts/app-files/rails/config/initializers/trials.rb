Rails.application.configure do
  # Rails gives pages the path of the cable without the prefix.
  config.action_cable.url = "#{ENV["RAILS_RELATIVE_URL_ROOT"]}/cable"
end
