// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization
import WireProtocol

/// One control connection of a front, for as long as the core lives.
struct ConnectionID: Hashable, Sendable {
    let rawValue: UInt64
}

/// The streams of one control connection to one process belong together.
struct StreamGroup: Hashable, Sendable {
    let connection: ConnectionID
    let process: ProcessID
}

/// Which token opens streams to which process.
///
/// Written by the core loop, read by the relay when a stream arrives. A token is gone before anyone is told that its
/// connection or process is, so a stream that is late finds nothing.
final class StreamDirectory: Sendable {
    struct Entry: Hashable, Sendable {
        let group: StreamGroup
        let address: AppAddress
        /// For the log.
        let label: ProcessLabel
        /// The peer of the control connection; nobody else may show the token.
        let uid: UInt32
        /// The most that the connection held of the process at once.
        var mostSessions = 1
    }

    private struct Tokens {
        var entries: [StreamToken: Entry] = [:]
        var tokens: [StreamGroup: StreamToken] = [:]

        mutating func remove(where isDead: (StreamGroup) -> Bool) {
            for (group, token) in self.tokens where isDead(group) {
                self.tokens[group] = nil
                self.entries[token] = nil
            }
        }
    }

    private let tokens = Mutex(Tokens())

    /// The token of a connection for a process; made at the first grant.
    func token(for group: StreamGroup, address: AppAddress, label: ProcessLabel, uid: UInt32) -> StreamToken {
        self.tokens.withLock { tokens in
            if let token = tokens.tokens[group] { return token }
            let token = StreamToken(high: RandomBytes.uint64(), low: RandomBytes.uint64())
            tokens.tokens[group] = token
            tokens.entries[token] = Entry(group: group, address: address, label: label, uid: uid)
            return token
        }
    }

    /// What is said of a token that opens nothing.
    static let refusal = "the stream token is not valid: its process or its control connection has ended"

    /// Whether a peer may open a stream with a token, at this moment.
    func opens(_ token: StreamToken?, for peer: PeerCredentials) -> Bool {
        token.flatMap { self.entry(of: $0) }?.uid == peer.uid
    }

    /// The connection holds more sessions of the process than ever before.
    func raise(_ token: StreamToken, toSessions sessions: Int) {
        self.tokens.withLock { $0.entries[token]?.mostSessions = sessions }
    }

    func entry(of token: StreamToken) -> Entry? { self.tokens.withLock { $0.entries[token] } }

    func remove(_ process: ProcessID) { self.tokens.withLock { $0.remove { $0.process == process } } }

    func remove(_ connection: ConnectionID) { self.tokens.withLock { $0.remove { $0.connection == connection } } }

    func remove(_ group: StreamGroup) { self.tokens.withLock { $0.remove { $0 == group } } }

    /// Tokens in force; for tests.
    var count: Int { self.tokens.withLock { $0.entries.count } }
}
