// SPDX-License-Identifier: MIT

extension SettingCatalog {
    private static let count = SettingKind.integer(0...1_000_000_000)
    private static let time = SettingKind.duration(minimum: .zero)
    private static let positiveTime = SettingKind.duration(minimum: .seconds(1))

    /// Settings that belong to an app and are pushed to the daemon.
    static let appSettings: [SettingDefinition] =
        identity + interpreters + environment + spawning + capacity + limits + later

    private static let identity: [SettingDefinition] = [
        .init("app_root", .absolutePath, owner: .any),
        .init("app_group_name", .text),
        .init("base_uri", .uriPrefix, default: "/", owner: .any),
        .init("app_type", .appType),
        .init("startup_file", .path),
        .init("app_start_command", .text),
        .init("user", .text),
        .init("group", .text),
        .init("restart_dir", .path, default: "tmp"),
    ]

    private static let interpreters: [SettingDefinition] = [
        .init("ruby", .path, default: "ruby"),
        .init("python", .path, default: "python3"),
        .init("nodejs", .path, default: "node"),
        .init(
            "app_env",
            .text,
            default: "production",
            aliases: ["rails_env", "rack_env"],
            bareNames: ["rails_env", "rack_env"]
        ),
    ]

    private static let environment: [SettingDefinition] = [
        .init("env_var", .nameAndValue),
        .init("env_file", .path),
        .init("load_shell_envvars", .flag, default: "on"),
        .init("preload_bundler", .flag, default: "off"),
        .init("app_file_descriptor_ulimit", .integer(16...1_073_741_816)),
        .init("memory_max", .size),
        .init("pids_max", .integer(0...4_194_304)),
        .init("direct_instance_request_address", .ipAddress, default: "127.0.0.1"),
    ]

    private static let spawning: [SettingDefinition] = [
        .init(
            "spawn_method",
            .choice(["smart", "direct"], synonyms: ["smart-lv2": "smart", "conservative": "direct"]),
            aliases: ["rails_spawn_method"],
            bareNames: ["rails_spawn_method"]
        ),
        .init("max_preloader_idle_time", time, default: "300", change: .live, owner: .any),
        .init("refork", .count(0...1_000_000_000, on: 1000), default: "off", change: .live, owner: .any),
    ]

    private static let capacity: [SettingDefinition] = [
        .init("min_instances", count, default: "1", change: .live, owner: .any),
        .init("max_instances", count, default: "0", change: .live, owner: .any),
        .init("max_requests", count, default: "0", change: .live, owner: .any),
        .init("max_request_queue_size", count, default: "100", change: .live, owner: .any),
        .init("force_max_concurrent_requests_per_process", .integer(-1...1_000_000_000), default: "-1"),
        .init("concurrency_model", .choice(["process", "thread"]), default: "process"),
        .init("thread_count", .integer(1...100_000), default: "1"),
        .init("early_hints", .flag, default: "off"),
        .init("app_keepalive", .flag, default: "off"),
        .init("leases", .flag, default: "on", change: .live, owner: .any),
        .init("abort_websockets_on_process_shutdown", .flag, default: "on", change: .live),
    ]

    private static let limits: [SettingDefinition] = [
        .init("start_timeout", positiveTime, default: "90", change: .live, owner: .any),
        .init("shutdown_timeout", time, default: "600", change: .live, owner: .any),
        .init("abandoned_timeout", time, change: .live, owner: .any),
        .init("max_request_time", time, default: "0", change: .live, owner: .any),
        .init("stat_throttle_rate", time, change: .live),
        .init("friendly_error_pages", .flag, change: .live, owner: .only(["off"])),
    ]

    private static let later: [SettingDefinition] = [
        .init("memory_limit", count, default: "0", rank: .later, change: .live),
        .init("hard_memory_limit", count, default: "0", rank: .later, change: .live),
        .init("max_request_queue_time", time, default: "0", rank: .later, change: .live, owner: .any),
        .init("rolling_restarts", .flag, default: "off", rank: .later, change: .live),
        .init("resist_deployment_errors", .flag, default: "off", rank: .later, change: .live),
        .init("app_log_file", .absolutePath, rank: .later),
        .init("sticky_sessions", .flag, default: "off", rank: .later, change: .live, owner: .any),
        .init(
            "sticky_sessions_cookie_name",
            .text,
            default: "_passenger_route",
            rank: .later,
            change: .live,
            owner: .any
        ),
        .init(
            "sticky_sessions_cookie_attributes",
            .text,
            default: "SameSite=Lax; Secure;",
            rank: .later,
            change: .live,
            owner: .any
        ),
        .init("app_rights", .text, rank: .later),
        .init("debugger", .flag, default: "off", rank: .later),
    ]
}
