// SPDX-License-Identifier: MIT

import AppSettings
import Testing

@testable import Supervisor

struct ProcessLimitsTests {
    private func limits(_ settings: [(String, String)], standard: ProcessLimits = .init()) throws -> ProcessLimits {
        let entries = [("app_root", "/srv/app")] + settings
        let list = SettingsList(entries.map { SettingsList.Entry(name: $0.0, value: $0.1) })
        return ProcessLimits(try AppSettings(list), standard: standard)
    }

    @Test func `an app's own limits count, else the daemon's, and 0 lifts those`() throws {
        let standard = ProcessLimits(memory: 64 << 20, processes: 100)
        #expect(try limits([]).isEmpty)
        #expect(try limits([], standard: standard) == standard)
        #expect(
            try limits([("memory_max", "512m"), ("pids_max", "0")], standard: standard)
                == ProcessLimits(memory: 512 << 20, processes: nil)
        )
        #expect(try limits([("memory_max", "0")], standard: standard) == ProcessLimits(processes: 100))
    }

    @Test(arguments: [128 << 20, 5000 << 10, 5_000_001])
    func `processes are slowed down shortly before the limit`(bytes: Int) {
        #expect(ProcessLimits(memory: bytes).memoryHigh.map { $0 < bytes && $0 > bytes * 9 / 10 } == true)
    }

    @Test func `names of units hold nothing of an app's`() {
        let units = UnitNames(instance: "Ab3dE5g")
        #expect(units.instanceSlice == "flyingpassenger-Ab3dE5g.slice")
        #expect(units.slice(ofApp: "5f0c") == "flyingpassenger-Ab3dE5g-5f0c.slice")
        let scope = units.newScope()
        #expect(scope.hasPrefix("flyingpassenger-Ab3dE5g-") && scope.hasSuffix(".scope") && scope != units.newScope())
    }
}
