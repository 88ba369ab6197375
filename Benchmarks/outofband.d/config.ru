# frozen_string_literal: true

# Has something to do that takes half a second after every so many requests: nothing, out of band, or within the request.

WORK = ENV.fetch('WORK')
EVERY = Integer(ENV.fetch('EVERY'))
SECONDS = 0.5

def clock
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

def compute
  ends = clock + SECONDS
  nil while clock < ends
end

def work
  WORK.end_with?('compute') ? compute : sleep(SECONDS)
  File.open('work.log', 'a') { |log| log.write('.') }
end

PhusionPassenger.on_event(:oob_work) { work }

count = 0
run(lambda do |_env|
  count += 1
  headers = { 'content-type' => 'text/plain' }
  if (count % EVERY).zero?
    work if WORK == 'within'
    headers['x-passenger-request-oob-work'] = 'true' if WORK.start_with?('out')
  end
  [200, headers, ["hello world\n"]]
end)
