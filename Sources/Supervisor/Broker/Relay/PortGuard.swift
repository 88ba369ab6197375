// SPDX-License-Identifier: MIT

import LinuxSystem

/// Tells whether a connection to an app's TCP port leads to the app's user; used by one thread.
///
/// Nothing may be sent before. What was accepted belongs to who accepted it. What was not is in the queue of a socket that
/// listens there, and that socket was there since: with its end, the queue would be gone as well. While it is there nobody else
/// can listen at the same address and port but another socket of the same user (`SO_REUSEPORT`, socket(7)). So it is enough that
/// the listener is the app's while the connection waits before and after the look. Waiting for the app to accept instead would
/// take a second with servers that ask for data first (`TCP_DEFER_ACCEPT`), and minutes with busy ones.
struct PortGuard: ~Copyable {
    enum Verdict: Hashable {
        /// Only processes of the app's user can read what is sent from now on.
        case owner
        case stranger(uid: UInt32)
        /// The other end is gone, or not there yet.
        case unknown
    }

    private var lookup = PeerLookup()

    /// An error is one of asking, not of the connection.
    mutating func verdict(on connection: Int32, owner: UInt32) throws(SystemError) -> Verdict {
        switch try self.lookup.holder(ofPeerOf: connection) {
        case .process(let uid): return Self.verdict(uid, owner)
        case .nobody: return .unknown
        case .queue: break
        }
        guard let uid = try self.lookup.listener(atPeerOf: connection) else { return .unknown }
        guard uid == owner else { return .stranger(uid: uid) }
        return switch try self.lookup.holder(ofPeerOf: connection) {
        case .process(let uid): Self.verdict(uid, owner)
        case .queue: .owner
        case .nobody: .unknown
        }
    }

    private static func verdict(_ uid: UInt32, _ owner: UInt32) -> Verdict {
        uid == owner ? .owner : .stranger(uid: uid)
    }
}
