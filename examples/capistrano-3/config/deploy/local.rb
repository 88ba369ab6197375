# frozen_string_literal: true

# cap local deploy: on this machine, without SSH, what has been committed in this folder.
server :local, roles: %w[app web db]
set :repo_url, "file://#{File.expand_path("../..", __dir__)}"
