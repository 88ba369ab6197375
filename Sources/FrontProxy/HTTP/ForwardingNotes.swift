// SPDX-License-Identifier: MIT

import AppTransport
import Logging
import NIOCore
import Synchronization

/// Tells the operator, once an hour for each, of peers that say where their requests come from and are not believed.
///
/// One such request proves nothing, since any client can send the fields; a peer with many is probably a proxy that the
/// configuration should name. Shared by all event loops.
final class ForwardingNotes: Sendable {
    /// Requests of one address before it is spoken of.
    static let threshold = 20
    /// Addresses that are counted; beyond that clients at will would fill the memory.
    static let maxAddresses = 256

    private struct Counts {
        var since = NIODeadline.uptimeNanoseconds(0)
        var byAddress: [String: Int] = [:]
    }

    private static let memory = TimeAmount.hours(1)

    private let counts = Mutex(Counts())

    func ignoredFields(of peer: PeerFacts, _ logger: Logger) {
        guard count(peer.address, at: .now()) == Self.threshold else { return }
        logger.notice(
            "X-Forwarded fields of this peer are ignored; if it is a proxy of yours, add the line",
            metadata: [LogKeys.address: "\(peer.address)", "line": "\(Self.line(for: peer))"]
        )
    }

    /// Requests of this address within the hour; 0 where there is no place to count them.
    func count(_ address: String, at now: NIODeadline) -> Int {
        counts.withLock { counts in
            if counts.byAddress.isEmpty || now - counts.since >= Self.memory { counts = Counts(since: now) }
            guard counts.byAddress[address] != nil || counts.byAddress.count < Self.maxAddresses else { return 0 }
            let count = min(counts.byAddress[address, default: 0] + 1, Self.threshold + 1)
            counts.byAddress[address] = count
            return count
        }
    }

    /// A network would let every tenant of this machine in, so local peers are named by their user.
    static func line(for peer: PeerFacts) -> String {
        let isLocal = peer.isUnix || peer.address.hasPrefix("127.") || peer.address == "::1"
        return isLocal ? "passenger_trusted_users USER;" : "set_real_ip_from \(peer.address);"
    }
}
