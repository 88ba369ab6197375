// SPDX-License-Identifier: MIT

extension DirectiveTable {
    /// Words that decide who may see what, or what is answered; the reason completes "cannot be used:".
    static let refused: [WordGroup] = [
        WordGroup(
            "TLS is not supported yet; let it end in front of this program",
            """
            ssl
            """
        ),
        WordGroup(
            "HTTP/2 and HTTP/3 are not supported yet",
            """
            http2 http3 http3_hq http3_max_concurrent_streams http3_stream_buffer_size quic_active_connection_id_limit
            quic_bpf quic_gso quic_host_key quic_retry
            """
        ),
        WordGroup(
            "access rules are not supported, and leaving one out would open what it closes; keep that location in the "
                + "web server in front",
            """
            allow auth_basic auth_basic_user_file auth_delay auth_jwt auth_jwt_claim_set auth_jwt_header_set
            auth_jwt_key_cache auth_jwt_key_file auth_jwt_key_request auth_jwt_leeway auth_jwt_require auth_jwt_type
            auth_request auth_request_set deny internal limit_except satisfy secure_link secure_link_md5
            secure_link_secret ssl_verify_client valid_referers
            """
        ),
        WordGroup(
            "limits on clients are not supported, and leaving one out would lift it; keep it in the web server in front",
            """
            limit_conn limit_conn_dry_run limit_conn_log_level limit_conn_status limit_conn_zone limit_rate
            limit_rate_after limit_req limit_req_dry_run limit_req_log_level limit_req_status limit_req_zone
            """
        ),
        WordGroup(
            "links are always followed by one rule, see docs/security.md",
            """
            disable_symlinks
            """
        ),
        WordGroup(
            "only applications and files are served here; keep that location in the web server in front",
            """
            autoindex create_full_put_path dav_access dav_methods empty_gif fastcgi_pass flv grpc_pass js_access
            js_body_filter js_content js_header_filter js_import js_path js_periodic js_set js_var mail memcached_pass
            min_delete_depth mirror mp4 perl perl_modules perl_require perl_set post_action proxy_pass random_index
            scgi_pass stream stub_status uwsgi_pass
            """
        ),
        WordGroup(
            "answers of applications and files are not changed; the web server in front can do it",
            """
            add_after_body add_before_body image_filter image_filter_buffer image_filter_interlace
            image_filter_jpeg_quality image_filter_sharpen image_filter_transparency image_filter_webp_quality ssi
            sub_filter userid xml_entities xslt_last_modified xslt_param xslt_string_param xslt_stylesheet xslt_types
            """
        ),
        WordGroup(
            "requests are not rewritten here; the web server in front can do it, and return redirects",
            """
            break if rewrite set
            """
        ),
    ]

    /// Arguments with which a refused word asks for what is the case anyway.
    static let harmlessArguments: [String: Set<String>] = [
        "allow": ["all"], "auth_basic": ["off"], "auth_jwt": ["off"], "auth_request": ["off"], "autoindex": ["off"],
        "disable_symlinks": ["off"], "http2": ["off"], "http3": ["off"], "image_filter": ["off"], "limit_rate": ["0"],
        "mirror": ["off"], "satisfy": ["all", "any"], "ssi": ["off"], "ssl": ["off"], "ssl_verify_client": ["off"],
        "userid": ["off"],
    ]
}
