# frozen_string_literal: true

# The application at the root of the host.
run lambda { |env|
  page = "app: site\npath info: #{env["PATH_INFO"]}\nother applications: /blog/ /notes/\n"
  [200, { "content-type" => "text/plain; charset=utf-8" }, [page]]
}
