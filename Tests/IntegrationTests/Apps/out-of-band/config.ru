# frozen_string_literal: true

# Asks for out-of-band work, which lasts as long as there is a file "hold" beside this one.

require 'phusion_passenger/rack/out_of_band_gc'

def note(what)
  File.open('work.log', 'a') { |log| log.write("#{what} #{$$}\n") }
end

PhusionPassenger.on_event(:oob_work) do
  note('begin')
  sleep 0.005 while File.exist?('hold')
  note('end')
end

HEADERS = { '/ask' => 'X-Passenger-Request-OOB-Work', '/ask-newly' => '!~Request-OOB-Work' }.freeze

map '/middleware' do
  use PhusionPassenger::Rack::OutOfBandGc, 1
  run ->(_env) { [200, {}, [$$.to_s]] }
end

run(lambda do |env|
  header = HEADERS[env['PATH_INFO']]
  [200, header ? { header => 'true' } : {}, [$$.to_s]]
end)
