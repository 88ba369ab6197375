# frozen_string_literal: true

# Recipe for Capistrano 2.

set :application, "shop"
set :domain, "shop.example.com"
set :repository, "git@example.com:shop.git"
set :scm, :git
set :branch, "main"
set :use_sudo, false
set :deploy_to, "/srv/shop"

role :app, domain
role :web, domain
role :db, domain, :primary => true

# Capistrano 2 looks for the assets of Rails 2 in every release otherwise.
set :normalize_asset_timestamps, false

namespace :deploy do
  desc "Have the application started with its first request"
  task :start, :roles => :app do
    run "mkdir -p #{current_release}/tmp && touch #{current_release}/tmp/restart.txt"
  end

  desc "Nothing: processes without requests end by themselves"
  task :stop, :roles => :app do
  end

  desc "Have the application restarted with its next request"
  task :restart, :roles => :app do
    run "mkdir -p #{current_release}/tmp && touch #{current_release}/tmp/restart.txt"
  end
end
