// SPDX-License-Identifier: MIT

/// The loaders that are part of this program, so that a daemon and its loaders are never of two versions.
package enum LoaderSources {
    package struct Source: Sendable {
        /// Below the loaders directory.
        package let path: String
        package let bytes: [UInt8]
    }

    /// Below the loaders directory: what goes on Ruby's `$LOAD_PATH`.
    package static let rubyLibrary = "ruby"
    /// Below the loaders directory: what goes into `NODE_PATH`.
    package static let nodeLibrary = "node"

    /// Embedding flattens folders, so base names are unique and this table knows where each belongs.
    package static let all: [Source] = [
        Source(path: "rack-loader.rb", bytes: PackageResources.rack_loader_rb),
        Source(path: "wsgi-loader.py", bytes: PackageResources.wsgi_loader_py),
        Source(path: "flying_passenger_answer.py", bytes: PackageResources.flying_passenger_answer_py),
        Source(path: "flying_passenger_asgi.py", bytes: PackageResources.flying_passenger_asgi_py),
        Source(
            path: "flying_passenger_asgi_application.py",
            bytes: PackageResources.flying_passenger_asgi_application_py
        ),
        Source(path: "flying_passenger_asgi_fields.py", bytes: PackageResources.flying_passenger_asgi_fields_py),
        Source(path: "flying_passenger_asgi_http.py", bytes: PackageResources.flying_passenger_asgi_http_py),
        Source(path: "flying_passenger_asgi_stream.py", bytes: PackageResources.flying_passenger_asgi_stream_py),
        Source(path: "flying_passenger_websocket.py", bytes: PackageResources.flying_passenger_websocket_py),
        Source(path: "flying_passenger_preloader.py", bytes: PackageResources.flying_passenger_preloader_py),
        Source(path: "flying_passenger_wsgi.py", bytes: PackageResources.flying_passenger_wsgi_py),
        Source(path: "flying_passenger_failure.py", bytes: PackageResources.flying_passenger_failure_py),
        Source(path: "phusion_passenger.py", bytes: PackageResources.phusion_passenger_py),
        Source(path: "node-loader.js", bytes: PackageResources.node_loader_js),
        Source(path: "node-application.js", bytes: PackageResources.node_application_js),
        Source(path: "node-listener.js", bytes: PackageResources.node_listener_js),
        Source(path: "node-failure.js", bytes: PackageResources.node_failure_js),
        Source(path: "\(rubyLibrary)/phusion_passenger.rb", bytes: PackageResources.phusion_passenger_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/after_fork.rb", bytes: PackageResources.after_fork_rb),
        Source(
            path: "\(rubyLibrary)/phusion_passenger/rack/out_of_band_gc.rb",
            bytes: PackageResources.out_of_band_gc_rb
        ),
        Source(path: "\(rubyLibrary)/flying_passenger/body_stream.rb", bytes: PackageResources.body_stream_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/boot.rb", bytes: PackageResources.boot_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/classic_rails.rb", bytes: PackageResources.classic_rails_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/early_hints.rb", bytes: PackageResources.early_hints_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/environment.rb", bytes: PackageResources.environment_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/failure.rb", bytes: PackageResources.failure_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/listener.rb", bytes: PackageResources.listener_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/output.rb", bytes: PackageResources.output_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/preloader.rb", bytes: PackageResources.preloader_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/refork.rb", bytes: PackageResources.refork_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/request_body.rb", bytes: PackageResources.request_body_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/request_thread.rb", bytes: PackageResources.request_thread_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/requests.rb", bytes: PackageResources.requests_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/responder.rb", bytes: PackageResources.responder_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/server.rb", bytes: PackageResources.server_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/signals.rb", bytes: PackageResources.signals_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/stream.rb", bytes: PackageResources.stream_rb),
        Source(path: "\(rubyLibrary)/flying_passenger/threaded_server.rb", bytes: PackageResources.threaded_server_rb),
        Source(path: "\(nodeLibrary)/phusion_passenger.js", bytes: PackageResources.phusion_passenger_js),
    ]
}
