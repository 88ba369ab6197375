// SPDX-License-Identifier: MIT

import AppSettings
import Testing

@testable import ApplicationPool

struct LimitsTests {
    private func limits(_ settings: [String: String]) throws -> GroupLimits {
        let entries = settings.merging(["app_root": "/srv/shop"]) { $1 }
        let list = SettingsList(entries.map { SettingsList.Entry(name: $0.key, value: $0.value) })
        return GroupLimits(try AppSettings(list))
    }

    @Test func `defaults of the settings are defaults of the limits`() throws {
        #expect(try self.limits([:]) == GroupLimits())
    }

    @Test func `settings become limits`() throws {
        let limits = try self.limits([
            "min_instances": "2", "max_instances": "4", "max_requests": "1000", "max_request_queue_size": "7",
            "max_request_time": "30", "shutdown_timeout": "5", "force_max_concurrent_requests_per_process": "0",
            "leases": "off",
        ])
        let expected = GroupLimits(
            minInstances: 2,
            maxInstances: 4,
            maxRequests: 1000,
            maxQueueSize: 7,
            maxRequestTime: .seconds(30),
            shutdownTimeout: .seconds(5),
            concurrencyOverride: 0,
            allowsLeases: false
        )
        #expect(limits == expected)
    }

    @Test func `a pool has room for at least one process and one spawn`() {
        let limits = PoolLimits(maxPoolSize: 0, simultaneousSpawns: -1)
        #expect(limits.maxPoolSize == 1)
        #expect(limits.simultaneousSpawns == 1)
    }
}
