// SPDX-License-Identifier: MIT

import Testing

@testable import AppSettings

struct SettingCatalogTests {
    @Test func `no name or older spelling stands for two settings`() {
        let names = SettingCatalog.all.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
    }

    @Test func `every default is a value of its kind`() {
        for definition in SettingCatalog.all {
            guard let value = definition.defaultValue else { continue }
            #expect(throws: Never.self, "\(definition.name)") { try definition.kind.normalized(value) }
        }
    }

    @Test func `older spellings lead to the setting`() {
        #expect(SettingCatalog.named("rails_env")?.name == "app_env")
        #expect(SettingCatalog.named("buffer_upload")?.name == "request_buffering")
        #expect(SettingCatalog.named("debug_log_file")?.name == "log_file")
        #expect(SettingCatalog.bare("rack_env")?.name == "app_env")
        #expect(SettingCatalog.bare("user") == nil)
        #expect(SettingCatalog.named("passenger_user") == nil)
    }

    @Test func `settings of an owner are the allow list and nothing else`() {
        let allowed = SettingCatalog.all.filter(\.isOwnerSetting).map(\.name).sorted()
        #expect(
            allowed == [
                "abandoned_timeout", "app_root", "base_uri", "friendly_error_pages", "leases", "max_instances",
                "max_preloader_idle_time",
                "max_request_queue_size", "max_request_queue_time", "max_request_time", "max_requests",
                "min_instances", "refork", "shutdown_timeout", "start_timeout", "sticky_sessions",
                "sticky_sessions_cookie_attributes", "sticky_sessions_cookie_name",
            ]
        )
    }

    @Test func `an owner may switch friendly pages off but not on`() throws {
        let friendly = try #require(SettingCatalog.named("friendly_error_pages"))
        #expect(friendly.mayBeSetByOwner(to: "off"))
        #expect(!friendly.mayBeSetByOwner(to: "on"))
        #expect(!friendly.mayBeSetByOwner(to: "true"))
        let user = try #require(SettingCatalog.named("user"))
        #expect(!user.mayBeSetByOwner(to: "joe"))
    }

    @Test(arguments: ["sticky_sessions", "memory_limit"])
    func `what nothing acts on is not called supported`(name: String) {
        #expect(SettingCatalog.named(name)?.rank == .later)
    }

    @Test func `global settings name the flag of the daemon`() {
        #expect(SettingCatalog.named("max_pool_size")?.flying == .daemonFlag("--max-pool-size"))
        #expect(SettingCatalog.named("log_level")?.flying == .daemonFlag("--log-level"))
    }

    @Test(arguments: [
        ("min_instance", "min_instances"), ("max_reqests", "max_requests"), ("app_rooot", "app_root"),
        ("usre", "user"),
    ])
    func `the nearest name is found`(word: String, name: String) {
        #expect(SettingCatalog.nearest(to: word) == name)
    }

    @Test func `a word like nothing has no nearest name`() {
        #expect(SettingCatalog.nearest(to: "completely_different") == nil)
        #expect(SettingCatalog.nearest(to: "") == nil)
    }
}
