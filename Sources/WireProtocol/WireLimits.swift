// SPDX-License-Identifier: MIT

/// Every bound of the protocol; `docs/protocol.md` states them for peers.
package enum WireLimits {
    /// Bytes of type and payload of a first frame, which comes from a peer of whom little is known.
    package static let helloFrame: UInt32 = 4 * 1024
    package static let manifestFrame: UInt32 = 8 * 1024 * 1024
    package static let adminResponseFrame: UInt32 = 8 * 1024 * 1024
    package static let frame: UInt32 = 256 * 1024

    package static let productBytes = 128
    package static let frontNameBytes = 1024
    package static let methodBytes = 64
    package static let pathBytes = 2048
    package static let hostBytes = 256
    /// Bytes of a reason or a refusal.
    package static let reasonBytes = 2048
    package static let errorIDBytes = 64
    package static let summaryBytes = 64 * 1024
    /// Bytes of a failure report as JSON; fits into a frame.
    package static let reportBytes = 192 * 1024
    /// Report queries of one control connection that are not answered: their answers stay far below `unreadBytes`.
    package static let openReportQueries = 2
    /// Report queries that wait in the front until others are answered; more are not asked at all.
    package static let waitingReportQueries = 256

    /// Fate queries of one control connection that are not answered; of more, every fate is `ended`.
    package static let openFateQueries = 1024

    package static let appsPerManifest = 10_000
    package static let settingsPerApp = 4096
    package static let appsPerConnection = 4096
    /// Checkouts of one control connection that are neither granted nor refused.
    package static let waitingCheckoutsPerConnection = 16_384
    package static let sessionsPerConnection = 65_536
    package static let resumedEntries = 16_384

    package static let controlConnectionsPerUID = 256
    package static let streamsPerUID = 16_384
    package static let adminConnectionsPerUID = 64
    /// Connections of one uid whose first frame is not complete.
    package static let pendingConnectionsPerUID = 256

    /// Bytes that wait for a peer which does not read before its connection is closed.
    package static let unreadBytes = 1024 * 1024

    // Times in milliseconds: targets without a clock state them, shells turn them into timers.
    package static let helloMilliseconds: Int64 = 2000
    /// Silence after which a `Ping` is sent.
    package static let pingAfterMilliseconds: Int64 = 10_000
    /// Silence after which a connection is given up.
    package static let silenceMilliseconds: Int64 = 30_000
    /// How long a checkout waits for a connection to the daemon.
    package static let reconnectWaitMilliseconds: Int64 = 5000
    /// A process that has not ended so long after one of its streams is alive.
    package static let fateMilliseconds: Int64 = 50
    /// How long a front waits for the answer to a fate query.
    package static let fateAnswerMilliseconds: Int64 = 1000
    /// How long a worker's connection waits for the manifest that carries its token.
    package static let manifestWaitMilliseconds: Int64 = 5000
}

extension String {
    /// The longest beginning of at most `limit` UTF-8 bytes that ends between characters.
    package func clamped(toUTF8 limit: Int) -> String {
        guard self.utf8.count > limit else { return self }
        var end = self.utf8.index(self.startIndex, offsetBy: limit)
        while self.utf8[end] & 0b1100_0000 == 0b1000_0000 { end = self.utf8.index(before: end) }
        return String(self[..<end])
    }

    /// The longest ending of at most `limit` UTF-8 bytes: what tells two long paths apart is at their end.
    package func clampedTail(toUTF8 limit: Int) -> String {
        guard self.utf8.count > limit else { return self }
        let bytes = self.utf8.suffix(limit).drop { $0 & 0b1100_0000 == 0b1000_0000 }
        return String(decoding: bytes, as: UTF8.self)
    }
}
