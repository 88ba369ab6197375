// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

struct SpawnPreparationTests {
    /// What the operator is told about an app of `user`; the spawn itself fails at the helper, which is not there.
    private func warnings(user: String, workerUIDs: Set<UInt32>) throws -> [String] {
        let directory = try TestDirectory("fp-preparation.")
        try directory.write("run ->(env) { [200, {}, []] }", to: "config.ru")
        let options = SpawnerOptions(
            helperPath: directory.file("no-helper"),
            loadersDirectory: directory.path,
            appSocketsDirectory: directory.path,
            userSwitching: UserSwitching.Policy(daemonUID: 0, daemonGID: 0),
            serverSoftware: "test",
            workerUIDs: workerUIDs
        )
        let entries = [("app_root", directory.path), ("user", user)].map { name, value in
            SettingsList.Entry(name: name, value: value)
        }
        let request = SpawnRequest(
            key: GroupKey(namespace: .authority, name: "app"),
            settings: try AppSettings(SettingsList(entries)),
            authority: .full,
            processID: ProcessID(rawValue: 1)
        )
        var preparation = SpawnPreparation(request, options: options)
        return preparation.run().warnings
    }

    @Test(.enabled(if: Machine.isRoot && !Machine.appUsers.isEmpty, "needs root and other users"))
    func `an app that runs as the fronts' user is warned about`() throws {
        let user = try #require(Machine.appUsers.first)
        #expect(try self.warnings(user: user.name, workerUIDs: [user.uid, 1]).contains { $0.contains("--front-user") })
        #expect(
            try !self.warnings(user: user.name, workerUIDs: [user.uid + 1]).contains { $0.contains("--front-user") }
        )
        #expect(try !self.warnings(user: user.name, workerUIDs: []).contains { $0.contains("--front-user") })
    }
}
