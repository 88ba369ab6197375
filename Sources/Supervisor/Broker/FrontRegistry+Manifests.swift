// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import WireProtocol

extension FrontRegistry {
    struct ManifestOutcome {
        /// False for a generation that is not above the one in force: only its token counts.
        var isInForce: Bool
        /// Its front sent one before, to this core: the configuration was loaded anew, or the front was started again.
        var isRepeated = false
        var definitions: [Definition] = []
        /// Apps whose settings are not valid.
        var rejections: [(group: String, reason: String)] = []
        /// Groups that two fronts want with different settings; each is named once.
        var disputes: [GroupKey] = []
        /// Groups that no manifest names any more; they end after the grace time.
        var orphaned: [GroupKey] = []
    }

    /// Takes a manifest of a peer with authority.
    mutating func manifestReceived(_ manifest: Manifest, from uid: UInt32, at now: NIODeadline) -> ManifestOutcome {
        let front = FrontKey(uid: uid, name: manifest.front)
        var apps: [GroupKey: ByteBuffer] = [:]
        for app in manifest.apps { apps[Self.key(of: app)] = app.settings.canonicalBytes }
        self.register(manifest, of: front, apps: apps, at: now)
        guard manifest.generation > self.highestGeneration(of: front) else {
            return ManifestOutcome(isInForce: false)
        }
        let isRepeated = self.fronts[front] != nil
        let before = self.fronts[front]?.apps ?? [:]
        self.fronts[front] = Front(generation: manifest.generation, token: manifest.workerToken, apps: apps)
        var outcome = ManifestOutcome(isInForce: true, isRepeated: isRepeated)
        for app in manifest.apps { self.define(app, of: front, into: &outcome) }
        for key in before.keys where apps[key] == nil && !self.isDeclared(key) {
            self.orphans[key] = now + Self.graceTime
            outcome.orphaned.append(key)
        }
        return outcome
    }

    private static func key(of app: ManifestApp) -> GroupKey {
        GroupKey(namespace: .authority, name: app.groupName)
    }

    private mutating func register(
        _ manifest: Manifest,
        of front: FrontKey,
        apps: [GroupKey: ByteBuffer],
        at now: NIODeadline
    ) {
        let known = self.workers[manifest.workerToken]
        // The same token again: a newer list of the same worker replaces an older one, never the other way round.
        if let known, known.generation > manifest.generation { return }
        self.workers[manifest.workerToken] = Worker(
            front: front,
            generation: manifest.generation,
            uid: manifest.workerUID,
            apps: apps,
            connections: known?.connections ?? 0,
            idleSince: now
        )
    }

    private mutating func define(_ app: ManifestApp, of front: FrontKey, into outcome: inout ManifestOutcome) {
        let key = Self.key(of: app)
        self.orphans[key] = nil
        let settings: AppSettings
        do {
            settings = try AppSettings(app.settings)
        } catch {
            outcome.rejections.append((app.groupName, error.description))
            return
        }
        self.groups[key] = app.settings.canonicalBytes
        if self.isDisputed(key) {
            if self.disputed.insert(key).inserted { outcome.disputes.append(key) }
        } else {
            self.disputed.remove(key)
        }
        outcome.definitions.append(Definition(key: key, settings: settings, authority: .full, preStart: app.preStart))
    }

    private func isDeclared(_ key: GroupKey) -> Bool { self.fronts.values.contains { $0.apps[key] != nil } }

    private func isDisputed(_ key: GroupKey) -> Bool {
        let wishes = self.fronts.values.lazy.compactMap { $0.apps[key] }
        guard let first = wishes.first else { return false }
        return wishes.contains { $0 != first }
    }
}
