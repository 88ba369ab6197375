// SPDX-License-Identifier: MIT

import AppSettings

/// The directives of nginx that a front configuration may hold; those of Passenger are in `SettingCatalog`.
enum DirectiveTable {
    static func rule(for name: String) -> DirectiveRule? {
        handled[name] ?? ignored[name] ?? unsupported[name]
    }

    /// What a word that is no directive most likely stands for.
    static func suggestion(for word: String) -> String? {
        if let name = ApacheSpelling.nginxName(of: word) { return name }
        let passenger = SettingCatalog.all.flatMap { [$0.name] + $0.aliases }.map { "passenger_\($0)" }
        let bare = SettingCatalog.all.flatMap(\.bareNames)
        return Spelling.nearest(to: word, among: Array(handled.keys) + passenger + bare + Array(ignored.keys))
    }

    private static let handled: [String: DirectiveRule] = [
        "http": .init(.main, 0...0, hasBlock: true, mayRepeat: true),
        "events": .init(.main, 0...0, hasBlock: true),
        "user": .init(.main, 1...2),
        "pid": .init(.main, 1...1),
        "worker_processes": .init(.main, 1...1),
        "error_log": .init([.main, .http], 1...2),
        "server": .init(.http, 0...0, hasBlock: true, mayRepeat: true),
        "listen": .init(.server, 1...32, mayRepeat: true),
        "server_name": .init(.server, 1...1024, mayRepeat: true),
        "location": .init([.server, .location], 1...2, hasBlock: true, mayRepeat: true),
        "root": .init(.requests, 1...1),
        "alias": .init(.location, 1...1),
        "index": .init(.requests, 1...64),
        "return": .init([.server, .location], 1...2),
        "add_header": .init(.requests, 2...3, mayRepeat: true),
        "access_log": .init(.requests, 1...8),
        "client_max_body_size": .init(.requests, 1...1),
        "client_header_timeout": .init([.http, .server], 1...1),
        "client_body_timeout": .init(.requests, 1...1),
        "send_timeout": .init(.requests, 1...1),
        "keepalive_timeout": .init(.requests, 1...2),
        "types": .init(.requests, 0...0, hasBlock: true),
        "default_type": .init(.requests, 1...1),
        "set_real_ip_from": .init(.requests, 1...1, mayRepeat: true),
        "real_ip_header": .init(.requests, 1...1),
        "real_ip_recursive": .init(.requests, 1...1),
        "passenger_trusted_proxies": .init(.requests, 1...64, mayRepeat: true),
        "passenger_set_header": .init(.requests, 2...2, mayRepeat: true),
        "passenger_trusted_users": .init(.http, 1...64),
    ]

    private static let ignored: [String: DirectiveRule] = table([
        "this version always tries the files of the document root first": ["try_files"],
        "this version answers errors with its own pages": ["error_page", "recursive_error_pages"],
        "one worker holds all event loops": [
            "worker_connections", "worker_rlimit_nofile", "worker_rlimit_core", "worker_cpu_affinity",
            "worker_priority", "worker_shutdown_timeout", "worker_aio_requests", "accept_mutex",
            "accept_mutex_delay", "multi_accept", "use", "thread_pool",
        ],
        "there is nothing to tune": [
            "sendfile", "sendfile_max_chunk", "tcp_nopush", "tcp_nodelay", "aio", "aio_write", "directio",
            "directio_alignment", "output_buffers", "postpone_output", "read_ahead", "send_lowat",
            "client_body_buffer_size", "client_header_buffer_size", "large_client_header_buffers",
            "client_body_in_file_only", "client_body_in_single_buffer", "client_body_temp_path",
            "connection_pool_size", "request_pool_size", "server_names_hash_max_size",
            "server_names_hash_bucket_size", "types_hash_max_size", "types_hash_bucket_size",
            "variables_hash_max_size", "variables_hash_bucket_size", "map_hash_max_size", "map_hash_bucket_size",
            "open_file_cache", "open_file_cache_errors", "open_file_cache_min_uses", "open_file_cache_valid",
            "keepalive_requests", "keepalive_time", "keepalive_disable", "lingering_close", "lingering_time",
            "lingering_timeout", "reset_timedout_connection", "resolver", "resolver_timeout", "msie_padding",
            "msie_refresh", "chunked_transfer_encoding", "timer_resolution", "pcre_jit", "working_directory",
            "lock_file", "load_module", "env", "debug_connection", "master_process", "daemon", "etag",
            "if_modified_since", "max_ranges", "merge_slashes", "underscores_in_headers",
            "ignore_invalid_headers", "disable_symlinks", "log_not_found", "log_subrequest", "server_tokens",
            "server_name_in_redirect", "port_in_redirect", "absolute_redirect", "override_charset",
        ],
        "answers are not compressed": [
            "gzip", "gzip_buffers", "gzip_comp_level", "gzip_disable", "gzip_http_version", "gzip_min_length",
            "gzip_proxied", "gzip_static", "gzip_types", "gzip_vary", "gunzip", "gunzip_buffers", "brotli",
            "brotli_static", "brotli_types", "brotli_comp_level",
        ],
        "nothing is passed on to other servers": [
            "proxy_http_version", "proxy_buffering", "proxy_buffers", "proxy_buffer_size", "proxy_busy_buffers_size",
            "proxy_connect_timeout", "proxy_read_timeout", "proxy_send_timeout", "proxy_request_buffering",
            "proxy_max_temp_file_size", "proxy_temp_file_write_size", "proxy_temp_path", "proxy_next_upstream",
            "proxy_next_upstream_timeout", "proxy_next_upstream_tries", "proxy_socket_keepalive",
            "proxy_headers_hash_max_size", "proxy_headers_hash_bucket_size", "proxy_ignore_client_abort",
        ],
        "headers of files are not changed": ["expires", "charset", "charset_types", "source_charset"],
        "the format of the access log is fixed": ["log_format", "open_log_file_cache", "rewrite_log"],
    ])

    private static let unsupported: [String: DirectiveRule] = table(
        [
            "TLS is not supported yet; let it end in front of this program": [
                "ssl", "ssl_certificate", "ssl_certificate_key", "ssl_protocols", "ssl_ciphers", "ssl_session_cache",
                "ssl_session_timeout", "ssl_prefer_server_ciphers", "ssl_dhparam", "ssl_client_certificate",
                "ssl_verify_client", "ssl_stapling", "ssl_trusted_certificate", "ssl_password_file",
                "ssl_session_tickets", "ssl_reject_handshake", "http2", "http3",
            ],
            "access rules are not supported, and leaving one out would open what it closes": [
                "allow", "deny", "satisfy", "auth_basic", "auth_basic_user_file", "auth_request", "auth_jwt",
                "internal", "limit_except", "limit_req", "limit_req_zone", "limit_conn", "limit_conn_zone",
                "limit_rate", "limit_rate_after", "secure_link", "valid_referers",
            ],
            "only apps and files are served here": [
                "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "upstream",
                "proxy_set_header", "proxy_cache", "proxy_cache_path", "proxy_redirect", "fastcgi_param",
                "fastcgi_index", "uwsgi_param", "dav_methods", "stream", "mail", "perl", "js_content",
                "mirror", "autoindex", "stub_status", "empty_gif", "flv", "mp4", "random_index", "ssi",
                "sub_filter", "image_filter", "xslt_stylesheet",
            ],
            "requests are not rewritten here": [
                "rewrite", "if", "set", "map", "geo", "geoip_country", "split_clients", "break", "userid",
            ],
        ],
        isError: true
    )

    /// One rule per name of each list; contexts, arguments and blocks are not looked at.
    private static func table(_ names: [String: [String]], isError: Bool = false) -> [String: DirectiveRule] {
        var rules: [String: DirectiveRule] = [:]
        for (reason, names) in names {
            for name in names {
                rules[name] = DirectiveRule(
                    .everywhere,
                    0...Int.max,
                    mayRepeat: true,
                    treatment: isError ? .unsupported(reason) : .ignored(reason)
                )
            }
        }
        return rules
    }
}
