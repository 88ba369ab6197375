# frozen_string_literal: true

# Loaded before config.ru, in place of Bundler: the Gemfile is not looked at. An empty file would do for an application that
# finds its libraries by itself.
$LOAD_PATH.unshift(File.expand_path("../vendor/greeting/lib", __dir__))
