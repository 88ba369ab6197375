// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import WireProtocol

/// What fronts have declared: their latest manifests, the tokens of their workers, apps that nobody declares any more.
///
/// A front is its master's uid and its name. Its highest generation is in force; lower ones only keep the tokens of
/// workers that drain. Nothing here depends on connections: a front that is away keeps what it declared.
struct FrontRegistry {
    struct FrontKey: Hashable {
        let uid: UInt32
        /// Holds the paths of configuration files.
        private let exactName: ExactText

        var name: String { self.exactName.text }

        init(uid: UInt32, name: String) {
            self.uid = uid
            self.exactName = ExactText(name)
        }
    }

    /// Of the manifest in force.
    struct Front {
        var generation: UInt64
        var token: WorkerToken
        /// Canonical settings per group.
        var apps: [GroupKey: ByteBuffer]
    }

    /// What a worker may push: settings byte for byte, per group name.
    struct Worker {
        let front: FrontKey
        let generation: UInt64
        let uid: UInt32
        let apps: [GroupKey: ByteBuffer]
        var connections = 0
        /// When the last connection ended, or the token was registered.
        var idleSince: NIODeadline
    }

    /// How long an app stays when no manifest names it, and a token when its worker is neither current nor connected.
    static let graceTime = TimeAmount.seconds(60)
    /// Groups of one uid without authority.
    static let ownerGroupsPerUID = 4096
    /// Name and settings of such a group, each.
    static let ownerSettingsBytes = 4096
    /// How long such a group stays when no connection has it any more and it has no process.
    static let ownerIdleTime = TimeAmount.minutes(10)

    let policy: PeerPolicy
    var fronts: [FrontKey: Front] = [:]
    var workers: [WorkerToken: Worker] = [:]
    /// Tokens of fronts without authority, with the uid that may show them.
    private var powerless: [WorkerToken: UInt32] = [:]
    /// Groups that are in force, with the settings pushed last.
    var groups: [GroupKey: ByteBuffer] = [:]
    var orphans: [GroupKey: NIODeadline] = [:]
    /// Groups whose disagreement was reported, until the fronts agree again.
    var disputed: Set<GroupKey> = []
    var owners = OwnerGroups()
    var changes = SettingsChanges()

    init(policy: PeerPolicy) { self.policy = policy }

    /// One group to hand to the pool.
    struct Definition {
        let key: GroupKey
        let settings: AppSettings
        let authority: SettingsAuthority
        let preStart: Bool
    }

    func highestGeneration(of front: FrontKey) -> UInt64 { self.fronts[front]?.generation ?? 0 }

    // MARK: Tokens

    enum TokenStanding: Equatable {
        case none
        case known(FrontKey)
        /// Its front has no authority: the worker has what its uid has.
        case powerless
        /// Its manifest has not arrived.
        case unknown
        /// Shown by another user than the manifest names.
        case stolen
    }

    func standing(of token: WorkerToken?, shownBy uid: UInt32) -> TokenStanding {
        guard let token else { return .none }
        guard let worker = self.workers[token] else {
            guard let owner = self.powerless[token] else { return .unknown }
            return owner == uid ? .powerless : .stolen
        }
        return worker.uid == uid ? .known(worker.front) : .stolen
    }

    mutating func powerlessToken(_ token: WorkerToken, of uid: UInt32) { self.powerless[token] = uid }

    mutating func forgetPowerless(_ tokens: [WorkerToken]) { for token in tokens { self.powerless[token] = nil } }

    mutating func workerConnected(_ token: WorkerToken) { self.workers[token]?.connections += 1 }

    mutating func workerDisconnected(_ token: WorkerToken, at now: NIODeadline) {
        self.workers[token]?.connections -= 1
        self.workers[token]?.idleSince = now
    }

    // MARK: Time

    /// Groups whose grace time is over; the pool retires them.
    mutating func timePassed(to now: NIODeadline) -> [GroupKey] {
        for (token, worker) in self.workers where self.expiry(of: worker, token).map({ $0 <= now }) ?? false {
            self.workers[token] = nil
        }
        let over = self.orphans.filter { $0.value <= now }.keys
        for key in over {
            self.orphans[key] = nil
            self.groups[key] = nil
        }
        return Array(over)
    }

    var nextDeadline: NIODeadline? {
        let tokens = self.workers.compactMap { self.expiry(of: $0.value, $0.key) }.min()
        let orphans = self.orphans.values.min()
        return [tokens, orphans, self.owners.nextLook, self.changes.nextLook].compactMap { $0 }.min()
    }

    private func expiry(of worker: Worker, _ token: WorkerToken) -> NIODeadline? {
        guard worker.connections == 0, self.fronts[worker.front]?.token != token else { return nil }
        return worker.idleSince + Self.graceTime
    }
}
