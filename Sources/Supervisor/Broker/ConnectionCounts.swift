// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import Synchronization
import WireProtocol

/// How many connections each uid has open, per role, and all together; from any thread.
final class ConnectionCounts: Sendable {
    struct Kind: Hashable, Sendable {
        let uid: UInt32
        /// nil: its first frame is not complete.
        let role: PeerRole?
    }

    private struct Places: Sendable {
        var pending: Budget<UInt32>
        var control: Budget<UInt32>
        var stream: Budget<UInt32>
        var admin: Budget<UInt32>

        static func path(to role: PeerRole?) -> WritableKeyPath<Self, Budget<UInt32>> {
            switch role {
            case nil: \.pending
            case .control: \.control
            case .stream: \.stream
            case .admin: \.admin
            }
        }
    }

    private let places: Mutex<Places>

    /// `descriptors` are those that the core may open: a twelfth of them at least stays for starts, files and the log.
    init(descriptors: UInt64 = Limits.current(.openFiles).soft) {
        let descriptors = Int(clamping: descriptors)
        let few = max(8, descriptors / 16)
        self.places = Mutex(
            Places(
                pending: Budget(
                    Self.limits(
                        WireLimits.pendingConnections,
                        few,
                        root: WireLimits.pendingConnectionsOfRoot,
                        each: WireLimits.pendingConnectionsPerUID
                    )
                ),
                control: Budget(
                    Self.limits(
                        WireLimits.controlConnections,
                        few,
                        root: WireLimits.controlConnectionsOfRoot,
                        each: WireLimits.controlConnectionsPerUID
                    )
                ),
                stream: Budget(Self.streams(descriptors)),
                admin: Budget(
                    Self.limits(
                        WireLimits.adminConnections,
                        few,
                        root: WireLimits.adminConnectionsOfRoot,
                        each: WireLimits.adminConnectionsPerUID
                    )
                )
            )
        )
    }

    private static func limits(_ total: Int, _ few: Int, root: Int, each: Int) -> Budget<UInt32>.Limits {
        let total = min(total, few)
        return .init(total: total, reserve: min(root, total / 4), each: each)
    }

    /// A stream takes two descriptors: no user may have more than half of all that there are, nor all users more than two thirds.
    private static func streams(_ descriptors: Int) -> Budget<UInt32>.Limits {
        .init(
            total: descriptors / 3,
            reserve: descriptors / 32,
            each: min(WireLimits.streamsPerUID, descriptors / 4)
        )
    }

    /// Takes a place, which is given back when the ticket is let go of; nil if the asker's share is used up.
    func admit(_ kind: Kind, fromReserve: Bool = false) -> ConnectionTicket? {
        let verdict = self.places.withLock {
            $0[keyPath: Places.path(to: kind.role)].take(by: kind.uid, fromReserve: fromReserve)
        }
        switch verdict {
        case .granted: return ConnectionTicket(kind, of: self, inPlaceOf: nil)
        case .grantedInPlaceOf(let other): return ConnectionTicket(kind, of: self, inPlaceOf: other)
        case .refused: return nil
        }
    }

    func count(_ kind: Kind) -> Int {
        self.places.withLock { $0[keyPath: Places.path(to: kind.role)].held(by: kind.uid) }
    }

    /// Connections of a role that are open, how many may be, and how often one more was refused; for status.
    func use(of role: PeerRole?) -> (open: Int, limit: Int, refusals: UInt64) {
        self.places.withLock { places in
            let budget = places[keyPath: Places.path(to: role)]
            return (budget.used, Int(budget.limits.total), budget.refusals)
        }
    }

    fileprivate func giveBack(_ kind: Kind) {
        self.places.withLock { $0[keyPath: Places.path(to: kind.role)].giveBack(by: kind.uid) }
    }
}

/// One place among the connections of a uid.
final class ConnectionTicket: Sendable {
    /// The user with the most places, who has to give one up for this one: all were taken.
    let inPlaceOf: UInt32?
    private let kind: ConnectionCounts.Kind
    private let counts: ConnectionCounts

    fileprivate init(_ kind: ConnectionCounts.Kind, of counts: ConnectionCounts, inPlaceOf other: UInt32?) {
        self.kind = kind
        self.counts = counts
        self.inPlaceOf = other
    }

    deinit { self.counts.giveBack(self.kind) }
}
