// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization
import WireProtocol

/// How many connections each uid has open, per role; from any thread.
final class ConnectionCounts: Sendable {
    struct Kind: Hashable, Sendable {
        let uid: UInt32
        /// nil: its first frame is not complete.
        let role: PeerRole?
    }

    private let counts = Mutex<[Kind: Int]>([:])

    /// Takes a place, which is given back when the ticket is let go of; nil if the limit is reached.
    func admit(_ kind: Kind) -> ConnectionTicket? {
        let admitted = self.counts.withLock { counts in
            let count = counts[kind, default: 0]
            guard count < self.limit(for: kind.role) else { return false }
            counts[kind] = count + 1
            return true
        }
        return admitted ? ConnectionTicket(kind, of: self) : nil
    }

    func count(_ kind: Kind) -> Int { self.counts.withLock { $0[kind] ?? 0 } }

    fileprivate func giveBack(_ kind: Kind) {
        self.counts.withLock { counts in
            let count = counts[kind, default: 1] - 1
            counts[kind] = count == 0 ? nil : count
        }
    }

    /// A stream takes two descriptors: no user may have more than half of those that the core may open.
    private let streamLimit: Int

    init(descriptors: UInt64 = Limits.current(.openFiles).soft) {
        self.streamLimit = min(WireLimits.streamsPerUID, Int(clamping: descriptors / 4))
    }

    private func limit(for role: PeerRole?) -> Int {
        switch role {
        case nil: WireLimits.pendingConnectionsPerUID
        case .control: WireLimits.controlConnectionsPerUID
        case .stream: self.streamLimit
        case .admin: WireLimits.adminConnectionsPerUID
        }
    }
}

/// One place among the connections of a uid.
final class ConnectionTicket: Sendable {
    private let kind: ConnectionCounts.Kind
    private let counts: ConnectionCounts

    fileprivate init(_ kind: ConnectionCounts.Kind, of counts: ConnectionCounts) {
        self.kind = kind
        self.counts = counts
    }

    deinit { self.counts.giveBack(self.kind) }
}
