# frozen_string_literal: true

# An application below a prefix. It names the prefix in all its links by SCRIPT_NAME, so they work at any depth, and below any prefix.
require "cgi/escape"

run lambda { |env|
  prefix, path = env.values_at("SCRIPT_NAME", "PATH_INFO").map { |text| CGI.escapeHTML(text) }
  page = <<~PAGE
    <!DOCTYPE html>
    <title>Blog</title>
    <link rel="stylesheet" href="#{prefix}/blog.css">
    <p>app: blog, script name: #{prefix}, path info: #{path}</p>
    <a href="#{prefix}/posts/2030/flying">A post</a>
  PAGE
  [200, { "content-type" => "text/html; charset=utf-8" }, [page]]
}
