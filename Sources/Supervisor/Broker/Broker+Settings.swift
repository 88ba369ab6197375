// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// Who may have which settings: carries between connections, the registry of fronts, and the pool.
extension Broker {
    enum Judgement {
        case accepted(GroupKey)
        case rejected(reason: String)
    }

    func judge(_ definition: DefineApp, from connection: FrontConnection) -> Judgement {
        let peer = FrontRegistry.Peer(uid: connection.peer.uid, token: connection.hello.workerToken)
        if self.registry.isAtOwnerLimit(peer.uid) { self.retireUnused(self.registry.owners.leftGroups(of: peer.uid)) }
        switch self.registry.judge(definition, from: peer, at: self.eventLoop.now) {
        case .accepted(let key, let definition):
            if let definition { self.define(definition) }
            return self.accepted(key, connection)
        case .acceptedForLater(let key):
            connection.complain(
                .warning,
                "settings of an app change too often, the latest are taken over within a minute",
                [LogKeys.group: "\(key)"]
            )
            return self.accepted(key, connection)
        case .rejected(let reason): return .rejected(reason: reason)
        }
    }

    private func accepted(_ key: GroupKey, _ connection: FrontConnection) -> Judgement {
        if case .uid = key.namespace, connection.ownerGroups.insert(key).inserted { self.registry.owners.taken(key) }
        self.planRegistryTimer()
        return .accepted(key)
    }

    func manifestReceived(_ manifest: Manifest, from connection: FrontConnection) {
        let outcome = self.registry.manifestReceived(manifest, from: connection.peer.uid, at: self.eventLoop.now)
        self.log(outcome, of: manifest, connection.logger)
        for definition in outcome.definitions {
            self.define(definition)
            // The first one is sent to each new core, and says nothing new.
            if outcome.isRepeated { self.pool.liftQuarantine(of: definition.key) }
        }
        self.planRegistryTimer()
        self.tokenArrived(manifest.workerToken)
    }

    /// A front may run without authority: its workers have owner settings, and need not wait to learn it.
    func manifestWithoutAuthority(_ token: WorkerToken, from connection: FrontConnection) {
        if connection.powerlessTokens.isEmpty {
            connection.complain(
                .warning,
                "manifest of a front without authority has no effect: its apps have owner settings only"
            )
        }
        if connection.powerlessTokens.count >= Self.powerlessTokensPerConnection {
            self.registry.forgetPowerless([connection.powerlessTokens.removeFirst()])
        }
        connection.powerlessTokens.append(token)
        self.registry.powerlessToken(token, of: connection.peer.uid)
        self.tokenArrived(token)
    }

    private static let powerlessTokensPerConnection = 16

    private func tokenArrived(_ token: WorkerToken) {
        for waiting in self.connections.values where waiting.isWaiting(for: token) {
            self.manifestArrived(for: waiting)
        }
    }

    private func manifestArrived(for connection: FrontConnection) {
        switch self.registry.standing(of: connection.hello.workerToken, shownBy: connection.peer.uid) {
        case .known(let front): self.openWorker(connection, of: front)
        case .stolen: connection.giveUp("the worker token belongs to another user", .intrusion)
        case .powerless:
            self.open(
                connection,
                as: FrontRegistry.FrontKey(uid: connection.peer.uid, name: connection.hello.frontName)
            )
        case .none, .unknown: break
        }
    }

    private func define(_ definition: FrontRegistry.Definition) {
        self.pool.define(
            definition.key,
            settings: definition.settings,
            authority: definition.authority,
            preStart: definition.preStart
        )
    }

    private func log(_ outcome: FrontRegistry.ManifestOutcome, of manifest: Manifest, _ logger: Logger) {
        let generation: Logger.Metadata = [LogKeys.generation: "\(manifest.generation)"]
        guard outcome.isInForce else {
            logger.info("an earlier configuration of a front was heard again", metadata: generation)
            return
        }
        let apps: Logger.Metadata = [LogKeys.count: "\(manifest.apps.count)"]
        logger.notice("configuration of a front is in force", metadata: generation.merging(apps) { $1 })
        for (group, reason) in outcome.rejections {
            let facts: Logger.Metadata = [LogKeys.group: "\(group)", LogKeys.reason: "\(reason)"]
            logger.error("settings of an app rejected", metadata: facts)
        }
        for key in outcome.disputes {
            logger.warning("two fronts disagree on the settings of an app", metadata: [LogKeys.group: "\(key)"])
        }
        for key in outcome.orphaned {
            logger.notice(
                "no front has an app in its configuration any more, so it ends in a minute",
                metadata: [LogKeys.group: "\(key)"]
            )
        }
    }

    func planRegistryTimer() {
        self.registryTimer?.cancel()
        self.registryTimer = self.registry.nextDeadline.map { deadline in
            self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.retireOrphans() }
        }
    }

    private func retireOrphans() {
        for key in self.registry.timePassed(to: self.eventLoop.now) { self.pool.retire(key) }
        for definition in self.registry.dueChanges(at: self.eventLoop.now) { self.define(definition) }
        self.retireUnused(self.registry.owners.overdue(at: self.eventLoop.now))
        self.planRegistryTimer()
    }

    /// Groups that no connection has any more stay as long as they have processes: a front may come back to them.
    ///
    /// They may be thousands, again and again: all of a user have one line in the log.
    private func retireUnused(_ keys: [GroupKey]) {
        var retired: [UInt32: Int] = [:]
        for key in keys where self.pool.isAtRest(key) {
            self.registry.ownerGroupRetired(key)
            self.pool.retire(key)
            if let tenant = key.tenant { retired[tenant, default: 0] += 1 }
        }
        for (uid, count) in retired where self.complaints.line(about: uid) != .keepQuiet {
            let facts: Logger.Metadata = [LogKeys.uid: "\(uid)", LogKeys.count: "\(count)"]
            self.logger.notice("apps without authority retired, as no front has them any more", metadata: facts)
        }
    }

    /// A connection without authority has ended.
    func leave(_ keys: Set<GroupKey>) {
        guard !keys.isEmpty else { return }
        for key in keys { self.registry.owners.left(key, at: self.eventLoop.now) }
        self.planRegistryTimer()
    }
}
