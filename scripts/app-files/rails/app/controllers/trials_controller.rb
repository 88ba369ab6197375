require "digest"

# What a framework asks of its server, one at each path.
class TrialsController < ApplicationController
  skip_forgery_protection only: :upload

  def pid
    render plain: Process.pid
  end

  # What Rails makes of the request.
  def facts
    render json: {
      ip: request.ip, remote_ip: request.remote_ip, protocol: request.protocol, host: request.host_with_port,
      method: request.request_method, path: request.path, fullpath: request.fullpath, script: request.script_name,
      original: request.original_url, format: request.format.to_s, params: request.query_parameters,
      length: request.content_length, env: Rails.env, root: root_url
    }
  end

  def visits
    session[:visits] = session.fetch(:visits, 0) + 1
    render plain: session[:visits]
  end

  def long_cookie
    cookies[:long] = "x" * 3800
    cookies.signed[:short] = "y"
    render plain: "#{cookies[:long].to_s.size} #{cookies.signed[:short]}"
  end

  def elsewhere
    redirect_to articles_path, alert: "You were sent here"
  end

  def cached
    expires_in 1.hour, public: true
    render plain: "fresh" if stale?(etag: "trial", last_modified: Time.utc(2020, 1, 2), template: false)
  end

  def attachment
    send_file Rails.root.join("private/report.txt"), type: "text/plain", filename: "Bericht für #{params[:name]}.txt"
  end

  def bytes
    send_data "\x00\xff".b * params.fetch(:count, 1).to_i, type: "application/octet-stream"
  end

  # Answers with the digest of what was uploaded.
  def upload
    file = params.require(:file)
    render json: { name: file.original_filename, type: file.content_type, size: file.size,
                   digest: Digest::SHA256.file(file.path).hexdigest, note: params[:note] }
  end

  # Answers with the digest of the body as it is.
  def raw
    render json: { size: request.raw_post.bytesize, digest: Digest::SHA256.hexdigest(request.raw_post) }
  end
  skip_forgery_protection only: :raw

  def fail
    raise "a trial that fails"
  end

  def missing
    raise ActiveRecord::RecordNotFound
  end

  def nothing
    head :no_content
  end

  # A Rack body of the application's own, through the router and all of Rails' middleware.
  def hijack
    response.headers["rack.hijack"] = lambda do |io|
      io.write("taken over\n")
      io.close
    end
    head :ok
  end
end
