# frozen_string_literal: true

# cap production deploy: over SSH, as this user.
server fetch(:domain), user: "deploy", roles: %w[app web db]
