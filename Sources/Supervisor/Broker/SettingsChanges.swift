// SPDX-License-Identifier: MIT

import FairShare
import NIOCore
import WireProtocol

/// How often peers without authority may change the settings of an app: each change may replace its processes and has a
/// line in the log.
///
///     in force ──changed──▶ in force            while its app and its user are below their numbers of changes in a minute
///        │                     ▲
///        └──changed──▶ held ───┘ at a look     later changes replace the one that is held; a change back drops it
///
/// Peers with authority are not asked.
struct SettingsChanges {
    struct Change {
        let definition: FrontRegistry.Definition
        let bytes: ByteBuffer
        let uid: UInt32
    }

    /// How often it is looked whether changes that are held may be made.
    static let lookInterval = TimeAmount.seconds(5)

    private var perApp = Budget<GroupKey>(WireLimits.settingsChangesOfApp)
    private var perUID = Budget<UInt32>(WireLimits.settingsChanges)
    private var held: [GroupKey: Change] = [:]
    private(set) var nextLook: NIODeadline?

    /// Changes that wait; for status.
    var heldCount: Int { self.held.count }
    /// How often a change had to wait; for status.
    var refusals: UInt64 { self.perApp.refusals + self.perUID.refusals }

    /// Whether a change is to be made now; else it is held and comes back by `due`.
    mutating func isDue(_ change: Change, at now: NIODeadline) -> Bool {
        let key = change.definition.key
        if self.isAllowed(key, change.uid, at: now) {
            self.held[key] = nil
            return true
        }
        self.held[key] = change
        if self.nextLook == nil { self.nextLook = now + Self.lookInterval }
        return false
    }

    /// What is in force was pushed again, or the app is gone: what was held is not wanted any more.
    mutating func forget(_ key: GroupKey) { self.held[key] = nil }

    /// Changes that were held and are to be made now.
    mutating func due(at now: NIODeadline) -> [Change] {
        guard let nextLook, nextLook <= now else { return [] }
        let due = self.held.values.filter { self.isAllowed($0.definition.key, $0.uid, at: now) }
        for change in due { self.held[change.definition.key] = nil }
        self.nextLook = self.held.isEmpty ? nil : now + Self.lookInterval
        return due
    }

    private mutating func isAllowed(_ key: GroupKey, _ uid: UInt32, at now: NIODeadline) -> Bool {
        let now = now.uptimeNanoseconds
        guard self.perApp.take(by: key, at: now).isGranted else { return false }
        guard self.perUID.take(by: uid, at: now).isGranted else {
            self.perApp.giveBack(by: key)
            return false
        }
        return true
    }
}
