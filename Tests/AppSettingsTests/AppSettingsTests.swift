// SPDX-License-Identifier: MIT

import Testing

@testable import AppSettings

struct AppSettingsTests {
    private func settings(_ pairs: KeyValuePairs<String, String>) throws(SettingsError) -> AppSettings {
        let root = SettingsList.Entry(name: "app_root", value: "/srv/shop")
        return try AppSettings(SettingsList([root] + pairs.map { SettingsList.Entry(name: $0.key, value: $0.value) }))
    }

    private func refusal(of pairs: KeyValuePairs<String, String>) -> SettingsError? {
        do throws(SettingsError) {
            _ = try settings(pairs)
            return nil
        } catch {
            return error
        }
    }

    @Test func `defaults are those of the settings table`() throws {
        let app = try settings([:])
        #expect(app.groupName == "/srv/shop")
        #expect(app.appType == nil)
        #expect(app.ruby == "ruby" && app.python == "python3" && app.nodejs == "node")
        #expect(app.environment == "production")
        #expect(app.baseURI == "/")
        #expect(app.friendlyErrorPages == nil)
        #expect(app.minInstances == 1 && app.maxInstances == 0 && app.maxRequests == 0)
        #expect(app.maxRequestQueueSize == 100)
        #expect(app.maxRequestTime == .zero)
        #expect(app.startTimeout == .seconds(90))
        #expect(app.shutdownTimeout == .seconds(600))
        #expect(app.restartDirectory == "tmp")
        #expect(app.statThrottleRate == nil)
        #expect(app.forceMaxConcurrentRequestsPerProcess == -1)
        #expect(!app.appKeepalive && app.loadShellEnvvars && !app.preloadBundler)
        #expect(app.appFileDescriptorUlimit == nil)
        #expect(app.directInstanceRequestAddress == "127.0.0.1")
    }

    @Test func `threads count with their concurrency model only`() throws {
        #expect(try settings([:]).threadCount == 1)
        #expect(try settings(["thread_count": "4"]).threadCount == 1)
        #expect(try settings(["concurrency_model": "thread"]).threadCount == 1)
        #expect(try settings(["concurrency_model": "thread", "thread_count": "4"]).threadCount == 4)
    }

    @Test func `each typed default is the one of the catalog`() throws {
        let plain = try settings([:])
        for definition in SettingCatalog.all where definition.isPushed {
            guard let value = definition.defaultValue else { continue }
            let explicit = try AppSettings(
                SettingsList(plain.list.entries + [SettingsList.Entry(name: definition.name, value: value)])
            )
            var withoutList = explicit
            withoutList.list = plain.list
            #expect(withoutList == plain, "default of \(definition.name)")
            #expect(explicit.changes(from: plain).isEmpty, "\(definition.name) equals its default")
        }
    }

    @Test func `values are read into their types`() throws {
        let app = try settings([
            "app_group_name": "shop", "app_type": "ruby", "startup_file": "web.ru", "user": "joe",
            "group": "!STARTUP_FILE!",
            "base_uri": "/sub/", "env_var": "A=x=y", "min_instances": "2", "max_instances": "4",
            "max_request_time": "1m",
            "start_timeout": "500s", "stat_throttle_rate": "5", "friendly_error_pages": "on",
            "load_shell_envvars": "off",
            "app_file_descriptor_ulimit": "4096", "restart_dir": "/var/restart", "app_env": "staging",
            "memory_max": "512m", "pids_max": "200", "leases": "off",
        ])
        #expect(!app.leases)
        #expect(app.groupName == "shop")
        #expect(app.appType == .rack)
        #expect(app.startupFile == "web.ru")
        #expect(app.user == "joe" && app.group == "!STARTUP_FILE!")
        #expect(app.baseURI == "/sub")
        #expect(app.environmentVariables == [.init(name: "A", value: "x=y")])
        #expect(app.minInstances == 2 && app.maxInstances == 4)
        #expect(app.maxRequestTime == .seconds(60))
        #expect(app.startTimeout == .seconds(500))
        #expect(app.statThrottleRate == .seconds(5))
        #expect(app.friendlyErrorPages == true)
        #expect(!app.loadShellEnvvars)
        #expect(app.appFileDescriptorUlimit == 4096)
        #expect(app.memoryMax == 512 << 20 && app.pidsMax == 200)
        #expect(app.restartDirectory == "/var/restart")
        #expect(app.environment == "staging")
    }

    @Test(arguments: [
        ("min_instances", "-1"), ("min_instances", "many"), ("max_request_time", "1 year"), ("app_type", "cobol"),
        ("app_type", "meteor"), ("base_uri", "sub"), ("base_uri", "/a//b"), ("base_uri", "/a/../b"),
        ("env_var", "novalue"), ("env_var", "=x"), ("env_var", "A B=x"), ("env_var", "A=\0"), ("user", ""),
        ("ruby", "a\nb"), ("startup_file", "x.rb"), ("app_type", "generic"), ("start_timeout", "0"),
        ("direct_instance_request_address", "localhost"), ("app_file_descriptor_ulimit", "3"),
        ("friendly_error_pages", "maybe"), ("spawn_method", "magic"), ("nonsense", "1"), ("fly_with", "/x"),
        ("max_pool_size", "6"), ("rails_env", "x"), ("memory_max", "3m"), ("memory_max", "-1"), ("memory_max", "much"),
        ("memory_max", "99999999999g"), ("pids_max", "3"), ("pids_max", "-1"), ("pids_max", "1m"),
    ])
    func `a bad value is refused by the name of its setting`(name: String, value: String) {
        let error = refusal(of: [name: value])
        #expect(error?.setting == name)
        #expect(error?.reason.isEmpty == false)
    }

    @Test func `settings that contradict each other are refused`() {
        #expect(refusal(of: ["min_instances": "3", "max_instances": "2"])?.setting == "min_instances")
        #expect(refusal(of: ["app_type": "rack", "app_start_command": "x"])?.setting == "app_start_command")
    }

    @Test func `an app without root is refused`() {
        #expect(throws: SettingsError(setting: "app_root", value: "", reason: "is missing")) {
            try AppSettings(SettingsList())
        }
        #expect(throws: SettingsError.self) {
            try AppSettings(SettingsList([.init(name: "app_root", value: "relative")]))
        }
    }

    @Test func `an unknown name comes with the one that was meant`() {
        #expect(refusal(of: ["min_instance": "1"])?.reason == "is unknown; did you mean min_instances?")
        #expect(refusal(of: ["rack_env": "x"])?.reason == "is unknown; did you mean app_env?")
    }

    @Test func `an error names setting, value and reason but no secret`() {
        #expect(
            refusal(of: ["min_instances": "x"])?.description == "setting min_instances \"x\": is not a whole number"
        )
        let error = SettingsError(setting: "env_var", value: "TOKEN=secret", reason: "bad")
        #expect(!error.description.contains("secret"))
    }

    @Test func `slashes at the end of the app root do not make another group`() throws {
        let app = try AppSettings(SettingsList([.init(name: "app_root", value: "/srv/shop//")]))
        #expect(app.groupName == "/srv/shop")
    }

    @Test(arguments: [
        ("smart", SpawnMethod.smart), ("smart-lv2", .smart), ("direct", .direct), ("conservative", .direct),
    ])
    func `spawn methods have synonyms that mean the same`(text: String, method: SpawnMethod) throws {
        let app = try settings(["spawn_method": text])
        #expect(app.spawnMethod == method)
        #expect(app.changes(from: try settings(["spawn_method": method.rawValue])).isEmpty)
    }

    @Test func `threads are for Ruby, and others are told so`() throws {
        let threads = try settings(["concurrency_model": "thread", "thread_count": "4"])
        for type in AppType.allCases {
            let isRuby = type == .rack || type == .classicRails
            #expect(try settings(["thread_count": "4"]).warnings(for: type).isEmpty)
            #expect(threads.warnings(for: type).map { $0.prefix(24) } == (isRuby ? [] : ["passenger_thread_count 4"]))
        }
    }

    @Test func `Ruby is smart unless told otherwise, Python if told so, others never`() throws {
        let (untold, smart) = (try settings([:]), try settings(["spawn_method": "smart"]))
        let direct = try settings(["spawn_method": "direct"])
        #expect(AppType.allCases.filter { untold.spawnMethod(for: $0) == .smart } == [.rack, .classicRails])
        #expect(
            AppType.allCases.filter { smart.spawnMethod(for: $0) == .smart } == [.rack, .wsgi, .asgi, .classicRails]
        )
        #expect(AppType.allCases.allSatisfy { direct.spawnMethod(for: $0) == .direct })
        #expect(untold.maxPreloaderIdleTime == .seconds(300))
        #expect(untold.reforkAfter == 0)
        #expect(refusal(of: ["spawn_method": "clever"])?.reason.contains("smart, direct") == true)
    }

    @Test(arguments: [("on", 1000), ("off", 0), ("yes", 1000), ("0", 0), ("1", 1), ("250", 250)])
    func `refork is a number of requests, or a word`(text: String, count: Int) throws {
        let app = try settings(["refork": text])
        #expect(app.reforkAfter == count)
        #expect(app.changes(from: try settings(["refork": "\(count)"])).isEmpty)
    }

    @Test func `refork is nothing else`() {
        #expect(refusal(of: ["refork": "often"])?.reason.contains("\"on\", \"off\" or a number") == true)
        #expect(refusal(of: ["refork": "-1"])?.setting == "refork")
    }

    @Test func `settings known for later are checked and accepted`() throws {
        _ = try settings(["thread_count": "2", "memory_limit": "200", "sticky_sessions": "on"])
        #expect(refusal(of: ["memory_limit": "200M"])?.setting == "memory_limit")
    }
}
