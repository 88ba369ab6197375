// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import WireProtocol

extension FrontRegistry {
    /// Who pushes settings.
    struct Peer: Hashable {
        let uid: UInt32
        let token: WorkerToken?
    }

    enum Verdict {
        /// Checkouts go to `key`; the pool is told first if there is something new to tell.
        case accepted(GroupKey, define: Definition?)
        /// The same, but the settings change too often: those in force stay until `dueChanges` brings the new ones.
        case acceptedForLater(GroupKey)
        case rejected(reason: String)
    }

    /// Decides on settings that a front pushes with a request.
    mutating func judge(_ app: DefineApp, from peer: Peer, at now: NIODeadline) -> Verdict {
        let settings: AppSettings
        do {
            settings = try AppSettings(app.settings)
        } catch {
            return .rejected(reason: error.description)
        }
        let bytes = app.settings.canonicalBytes
        let shared = GroupKey(namespace: .authority, name: app.groupName)
        if case .known = self.standing(of: peer.token, shownBy: peer.uid), let token = peer.token {
            if let declared = self.workers[token]?.apps[shared], declared == bytes {
                return .accepted(shared, define: self.declared(shared, settings, bytes, at: now))
            }
            guard self.policy.standing(of: peer.uid) == .trusted else {
                return .rejected(reason: "the settings differ from those in the manifest of this front")
            }
        }
        switch self.policy.standing(of: peer.uid) {
        case .trusted: return .accepted(shared, define: self.pushed(shared, settings, bytes, .full))
        case .worker: return self.judgeOwner(app, settings, bytes, uid: peer.uid, at: now)
        case .stranger: return .rejected(reason: "uid \(peer.uid) may not push settings")
        }
    }

    /// Settings of a manifest are in force already, or newer ones are; only a group that is gone is made again.
    private mutating func declared(
        _ key: GroupKey,
        _ settings: AppSettings,
        _ bytes: ByteBuffer,
        at now: NIODeadline
    ) -> Definition? {
        if self.groups[key] != nil {
            // A worker that drains still uses an app that is about to be retired: the grace time starts anew.
            if self.orphans[key] != nil { self.orphans[key] = now + Self.graceTime }
            return nil
        }
        self.groups[key] = bytes
        if !self.fronts.values.contains(where: { $0.apps[key] != nil }) { self.orphans[key] = now + Self.graceTime }
        return Definition(key: key, settings: settings, authority: .full, preStart: false)
    }

    private mutating func pushed(
        _ key: GroupKey,
        _ settings: AppSettings,
        _ bytes: ByteBuffer,
        _ authority: SettingsAuthority
    ) -> Definition? {
        guard self.groups[key] != bytes else { return nil }
        self.groups[key] = bytes
        self.orphans[key] = nil
        return Definition(key: key, settings: settings, authority: authority, preStart: false)
    }

    private mutating func judgeOwner(
        _ app: DefineApp,
        _ settings: AppSettings,
        _ bytes: ByteBuffer,
        uid: UInt32,
        at now: NIODeadline
    ) -> Verdict {
        guard app.groupName.utf8.count <= Self.ownerSettingsBytes, bytes.readableBytes <= Self.ownerSettingsBytes else {
            return .rejected(reason: "settings without authority are longer than \(Self.ownerSettingsBytes) bytes")
        }
        if let objection = self.policy.objection(toOwnerSettings: settings) { return .rejected(reason: objection) }
        let key = GroupKey(namespace: .uid(uid), name: app.groupName)
        if self.groups[key] == nil {
            let owned = self.owners.count(of: uid)
            guard owned < Self.ownerGroupsPerUID else {
                return .rejected(reason: "uid \(uid) has \(owned) apps, the limit is \(Self.ownerGroupsPerUID)")
            }
            self.owners.made(key, at: now)
            return .accepted(key, define: self.pushed(key, settings, bytes, .owner(uid: uid)))
        }
        guard self.groups[key] != bytes else {
            self.changes.forget(key)
            return .accepted(key, define: nil)
        }
        let definition = Definition(key: key, settings: settings, authority: .owner(uid: uid), preStart: false)
        let change = SettingsChanges.Change(definition: definition, bytes: bytes, uid: uid)
        guard self.changes.isDue(change, at: now) else { return .acceptedForLater(key) }
        self.groups[key] = bytes
        return .accepted(key, define: definition)
    }

    /// Changes of settings that had to wait and are in force from now on.
    mutating func dueChanges(at now: NIODeadline) -> [Definition] {
        self.changes.due(at: now).map { change in
            self.groups[change.definition.key] = change.bytes
            return change.definition
        }
    }

    /// Whether the next new group of a peer that has no authority would be one too many.
    func isAtOwnerLimit(_ uid: UInt32) -> Bool { self.owners.count(of: uid) >= Self.ownerGroupsPerUID }

    /// The pool has retired a group that nobody had any more.
    mutating func ownerGroupRetired(_ key: GroupKey) {
        self.owners.forgotten(key)
        self.changes.forget(key)
        self.groups[key] = nil
    }
}
