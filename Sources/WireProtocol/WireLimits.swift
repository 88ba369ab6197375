// SPDX-License-Identifier: MIT

package import FairShare

/// Every bound of the protocol; `docs/protocol.md` states them for peers.
package enum WireLimits {
    /// Bytes of type and payload of a first frame, which comes from a peer of whom little is known.
    package static let helloFrame: UInt32 = 4 * 1024
    package static let manifestFrame: UInt32 = 8 * 1024 * 1024
    package static let adminResponseFrame: UInt32 = 8 * 1024 * 1024
    /// A request of a tool: a command with its arguments, read before anything else is decided about it.
    package static let adminRequestFrame: UInt32 = 8 * 1024
    package static let frame: UInt32 = 256 * 1024
    /// Frames of a front that say little, which are all but `Manifest`, `DefineApp` and `Resume`.
    package static let smallFrame: UInt32 = 8 * 1024

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
    /// Streams of a control connection to a process beyond the most sessions that it held of it at once: idle ones, and those
    /// whose end is on its way.
    package static let spareStreams = 8
    package static let adminConnectionsPerUID = 64
    /// Connections of one uid whose first frame is not complete.
    package static let pendingConnectionsPerUID = 256

    /// Bytes that wait for a peer which does not read before its connection is closed.
    package static let unreadBytes = 1024 * 1024

    /// Admin connections of all uids together, root's among them, and what is kept for root.
    package static let adminConnections = 512
    package static let adminConnectionsOfRoot = 64
    /// The same for connections whose first frame is not complete, at each socket.
    package static let pendingConnections = 512
    package static let pendingConnectionsOfRoot = 64
    /// The same for control connections.
    package static let controlConnections = 1024
    package static let controlConnectionsOfRoot = 256
    /// Answers to tools that were not read, of a uid and of all together.
    package static let unreadAnswersPerUID = 16 * 1024 * 1024
    package static let unreadAnswers = 64 * 1024 * 1024

    /// Frames on the admin connections of a uid that is neither root nor the daemon's, and of all such uids together.
    package static let adminFrames = SharedPace(each: Pace(40, perSecond: 20), all: Pace(200, perSecond: 100))
    /// Connections for administration that they open.
    package static let adminArrivals = SharedPace(each: Pace(64, perSecond: 20), all: Pace(256, perSecond: 100))
    /// Frames of fronts without authority, and of other workers those that belong to no checkout.
    ///
    /// A frame counts as more where it is long or costs more. One uid may have what all have.
    package static let frontFrames = SharedPace(
        each: Pace(10_000, perSecond: 10_000),
        all: Pace(10_000, perSecond: 10_000)
    )
    /// What a `DefineApp` counts for.
    package static let defineAppFrames = 4
    /// Each so many bytes count as one more frame.
    package static let bytesPerFrame = 1024
    /// Bytes of frames that are not complete, of a uid and of all together; small ones do not count.
    package static let unparsedBytesPerUID = 16 * 1024 * 1024
    package static let unparsedBytes = 32 * 1024 * 1024
    /// Waiting checkouts of a uid without authority, over all of its connections.
    package static let waitingCheckoutsWithoutAuthority = 16_384
    /// Changes of the settings of an app by a peer without authority; later ones wait.
    ///
    /// The number of apps has a bound of its own.
    package static let settingsChangesOfApp = SharedPace(each: Pace(perMinute: 6), all: nil)
    /// The same of all apps of its uid.
    package static let settingsChanges = SharedPace(each: Pace(perMinute: 60), all: Pace(perMinute: 60).times(4))
    /// Control connections that a uid without authority opens.
    package static let controlArrivals = SharedPace(
        each: Pace(512, perSecond: 256),
        all: Pace(512, perSecond: 256).times(2)
    )
    /// Streams with a token that is not valid, which are told why.
    package static let wrongStreams = SharedPace(
        each: Pace(512, perSecond: 256),
        all: Pace(512, perSecond: 256).times(2)
    )

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
    /// How long a front may use a session without asking, in all and between two requests.
    package static let leaseMilliseconds: Int64 = 100
    package static let idleLeaseMilliseconds: Int64 = 2
    /// How long reports that nobody waits for may be held back.
    package static let reportMilliseconds: Int64 = 1
    /// After a recall of a session that was idle: for how long a front asks for each request of the app.
    package static let leasePauseMilliseconds: Int64 = 50
    /// A request on a kept session that takes longer is told to the daemon.
    package static let lastingMilliseconds: Int64 = 50
    /// How long requests may wait behind another one of their app without a word to the daemon, and how many of an app.
    package static let behindMilliseconds: Int64 = 20
    package static let requestsBehind = 512
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
