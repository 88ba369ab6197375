# frozen_string_literal: true

# Recipe for Capistrano 3. What belongs to one of the stages is in config/deploy/.

lock "~> 3.11"

set :application, "shop"
set :domain, "shop.example.com"
set :repo_url, "git@example.com:shop.git"
set :branch, "main"
set :deploy_to, "/srv/shop"

# What releases share. Not `tmp`: each release has a restart.txt of its own then, and a rollback restarts as well.
append :linked_dirs, "log"

# Nothing needs sudo. Who deploys owns the releases, and applications run as the owner of their startup file; another user is
# named by passenger_user in the configuration of the front.
namespace :deploy do
  desc "Have the application restarted with its next request"
  task :restart do
    on roles(:app), in: :sequence do
      execute :mkdir, "-p", release_path.join("tmp")
      execute :touch, release_path.join("tmp/restart.txt")
    end
  end

  desc "The same: what does not run starts with its first request"
  task start: :restart

  desc "Nothing: processes without requests end by themselves"
  task :stop

  after :publishing, :restart
end
