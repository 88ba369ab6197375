// SPDX-License-Identifier: MIT

extension SettingCatalog {
    private static let status = SettingKind.integer(200...599)

    /// Settings of how the front handles requests; the daemon never sees them.
    static let requestSettings: [SettingDefinition] = [
        .front("enabled", .flag, default: "off"),
        .front("document_root", .absolutePath),
        .front("request_buffering", .flag, default: "on", aliases: ["buffer_upload"]),
        .front("read_timeout", .duration(minimum: .seconds(1)), default: "12000"),
        .front("request_queue_overflow_status_code", status, default: "503"),
        .front("spawn_exception_status_code", status, default: "500"),
        .front("custom_error_page", .absolutePath),
        .front("ignore_client_abort", .flag, default: "off"),
        .front("buffer_response", .flag, default: "off", rank: .later),
        .front("set_cgi_param", .nameAndValue, rank: .later),
        .front("pass_header", .text, rank: .later),
        .front("ignore_headers", .text, rank: .later),
        .front("intercept_errors", .flag, default: "off", rank: .later),
        .front("temp_path", .absolutePath, rank: .later),
        .front("queue_time_header", .flag, default: "on", rank: .later),
        .front("turbocaching", .flag, default: "off", rank: .later),
        .front("vary_turbocache_by_cookie", .text, rank: .later),
    ]

    /// Settings that exist once.
    static let globalSettings: [SettingDefinition] = [
        .init("fly_with", .absolutePath, .global, flying: .frontOnly),
        .init("pre_start", .text, .global, flying: .frontOnly, rank: .later),
        .init("show_version_in_header", .flag, .global, default: "on", flying: .frontOnly),
        .init("data_buffer_dir", .absolutePath, .global, flying: .frontOnly, aliases: ["temp_dir"]),
        .init(
            "response_buffer_high_watermark",
            .size,
            .global,
            default: "134217728",
            flying: .frontOnly
        ),
        .init("abort_on_startup_error", .flag, .global, default: "off", flying: .frontOnly, rank: .later),
        .init("dump_config_manifest", .absolutePath, .global, flying: .ignored("use front-proxy --dump-config")),
        .daemon("log_level", "--log-level", default: "3"),
        .daemon("log_file", "--log-file", aliases: ["debug_log_file"]),
        .daemon("max_pool_size", "--max-pool-size", default: "6"),
        .daemon("pool_idle_time", "--pool-idle-time", default: "300"),
        .daemon("user_switching", "--no-user-switching", default: "on"),
        .daemon("default_user", "--default-user", default: "nobody"),
        .daemon("default_group", "--default-group"),
        .daemon("max_instances_per_app", "--max-instances-per-app", default: "0"),
        .daemon("disable_log_prefix", "--disable-log-prefix", default: "off"),
        .daemon("instance_registry_dir", "--instance-registry-dir"),
        .daemon("socket_backlog", "--socket-backlog", default: "2048"),
        .daemon("spawn_dir", "--instance-registry-dir"),
        .daemon("file_descriptor_log_file", "--log-file"),
    ]

    /// Names that configurations hold and that mean nothing here.
    static let ignoredSettings: [SettingDefinition] =
        [
            .ignored("root", because: "nothing is looked up in an installation directory")
        ]
        + [
            "buffer_size", "buffers", "busy_buffers_size", "headers_hash_max_size", "headers_hash_bucket_size",
        ]
        .map { .ignored($0, because: "buffers need no tuning here") }
        + [
            "disable_security_update_check", "security_update_check_proxy", "disable_anonymous_telemetry",
            "anonymous_telemetry_proxy", "admin_panel_url", "admin_panel_auth_type", "admin_panel_username",
            "admin_panel_password", "union_station_support", "union_station_key", "union_station_filter",
            "union_station_gateway_address", "union_station_gateway_port", "union_station_gateway_cert",
            "union_station_proxy_address", "analytics_log_user", "analytics_log_group", "analytics_log_permissions",
            "analytics_collection_rate", "monitor_log_file",
        ]
        .map { .ignored($0, because: "nothing is reported to anybody") }
        + [
            "rails_framework_spawner_idle_time", "rails_app_spawner_idle_time", "use_global_queue",
            "meteor_app_settings",
        ]
        .map { .ignored($0, because: "it was removed long ago") }
        + ["core_file_descriptor_ulimit", "ctl"].map { .ignored($0, because: "the daemon has nothing like it yet") }
}

extension SettingDefinition {
    fileprivate static func front(
        _ name: String,
        _ kind: SettingKind,
        default defaultValue: String? = nil,
        rank: Rank = .supported,
        aliases: [String] = []
    ) -> SettingDefinition {
        SettingDefinition(
            name,
            kind,
            .location,
            default: defaultValue,
            flying: .frontOnly,
            rank: rank,
            change: .live,
            aliases: aliases
        )
    }

    fileprivate static func daemon(
        _ name: String,
        _ flag: String,
        default defaultValue: String? = nil,
        aliases: [String] = []
    ) -> SettingDefinition {
        SettingDefinition(
            name,
            .text,
            .global,
            default: defaultValue,
            flying: .daemonFlag(flag),
            change: .live,
            aliases: aliases
        )
    }

    fileprivate static func ignored(_ name: String, because reason: String) -> SettingDefinition {
        SettingDefinition(name, .text, .global, flying: .ignored(reason), change: .live)
    }
}
