// SPDX-License-Identifier: MIT

import AppSettings
import FairShare
import NIOCore
import Testing
import WireProtocol

@testable import Supervisor

struct SettingsChangesTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private var changes = SettingsChanges()

    private func at(_ seconds: Int64) -> NIODeadline { self.start + .seconds(seconds) }

    private func change(_ name: String, _ value: Int, uid: UInt32 = 33) throws -> SettingsChanges.Change {
        let list = SettingsList([
            .init(name: "app_root", value: "/\(name)"), .init(name: "max_instances", value: "\(value)"),
        ])
        let definition = FrontRegistry.Definition(
            key: GroupKey(namespace: .uid(uid), name: name),
            settings: try AppSettings(list),
            authority: .owner(uid: uid),
            preStart: false
        )
        return .init(definition: definition, bytes: list.canonicalBytes, uid: uid)
    }

    @Test mutating func `the first changes are made at once, of later ones the last when its time has come`() throws {
        for value in 1...WireLimits.settingsChangesOfApp.each.atOnce {
            #expect(self.changes.isDue(try self.change("a", value), at: self.start))
        }
        for value in 50...90 { #expect(!self.changes.isDue(try self.change("a", value), at: self.start)) }
        #expect(self.changes.heldCount == 1)
        #expect(self.changes.isDue(try self.change("b", 1), at: self.start), "another app has changes of its own")
        #expect(self.changes.due(at: self.at(4)).isEmpty)
        #expect(self.changes.nextLook == self.at(5))
        #expect(self.changes.due(at: self.at(5)).isEmpty)
        #expect(self.changes.due(at: self.at(11)).map(\.definition.settings.maxInstances) == [90])
        #expect(self.changes.nextLook == nil && self.changes.heldCount == 0)
    }

    @Test mutating func `all apps of a user together have a number, too`() throws {
        let made = try (0..<500).count { self.changes.isDue(try self.change("app\($0)", 1), at: self.start) }
        #expect(made == WireLimits.settingsChanges.each.atOnce)
        #expect(self.changes.isDue(try self.change("app", 1, uid: 34), at: self.start))
        var later = 0
        for second in Int64(1)...60 { later += self.changes.due(at: self.at(second)).count }
        #expect((50...WireLimits.settingsChanges.each.atOnce).contains(later), "\(later)")
    }

    @Test mutating func `a change that is not wanted any more is forgotten`() throws {
        for value in 1...20 { _ = self.changes.isDue(try self.change("a", value), at: self.start) }
        self.changes.forget(GroupKey(namespace: .uid(33), name: "a"))
        #expect(self.changes.due(at: self.at(60)).isEmpty)
    }
}
