// SPDX-License-Identifier: MIT

import Testing

@testable import AppSettings

struct SettingChangesTests {
    private func settings(_ pairs: KeyValuePairs<String, String>) throws -> AppSettings {
        let root = SettingsList.Entry(name: "app_root", value: "/srv/shop")
        return try AppSettings(SettingsList([root] + pairs.map { SettingsList.Entry(name: $0.key, value: $0.value) }))
    }

    @Test(arguments: [
        ("min_instances", "2"), ("max_instances", "9"), ("max_requests", "9"), ("max_request_queue_size", "9"),
        ("max_request_time", "9"), ("start_timeout", "9"), ("shutdown_timeout", "9"), ("stat_throttle_rate", "9"),
        ("friendly_error_pages", "on"), ("sticky_sessions", "on"), ("leases", "off"),
    ])
    func `policies change in the running group`(name: String, value: String) throws {
        let changes = try settings([name: value]).changes(from: settings([:]))
        #expect(changes == SettingChanges(live: [name]))
    }

    @Test(arguments: [
        ("user", "joe"), ("group", "staff"), ("app_root", "/srv/other"), ("app_start_command", "x"), ("ruby", "/r"),
        ("python", "/p"), ("nodejs", "/n"), ("app_env", "staging"), ("env_var", "A=1"), ("spawn_method", "direct"),
        ("base_uri", "/x"), ("concurrency_model", "thread"), ("force_max_concurrent_requests_per_process", "5"),
        ("load_shell_envvars", "off"), ("preload_bundler", "on"), ("app_file_descriptor_ulimit", "99"),
    ])
    func `what a process was started with needs new processes`(name: String, value: String) throws {
        let changes = try settings([name: value]).changes(from: settings([:]))
        #expect(changes == SettingChanges(needingNewProcesses: [name]))
    }

    @Test func `equal meanings are no change`() throws {
        let old = try settings(["max_request_time": "1m", "load_shell_envvars": "on", "base_uri": "/a/"])
        let new = try settings(["max_request_time": "60", "base_uri": "/a"])
        #expect(new.changes(from: old).isEmpty)
    }

    @Test func `a setting taken away and a changed variable are changes`() throws {
        let old = try settings(["user": "joe", "env_var": "A=1"])
        let new = try settings(["env_var": "A=2", "min_instances": "0"])
        let expected = SettingChanges(live: ["min_instances"], needingNewProcesses: ["env_var", "user"])
        #expect(new.changes(from: old) == expected)
    }
}
