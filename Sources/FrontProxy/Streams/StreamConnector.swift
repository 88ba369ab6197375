// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import NIOPosix

/// Connects one stream to the daemon's socket.
///
/// A full backlog makes `connect` fail with EAGAIN, which epoll does not report later: it is tried again by timer,
/// after 1, 2, 4 … 64 ms, for about two seconds in all.
struct StreamConnector {
    static let maxAttempts = 36
    /// From the beginning to `Attached`.
    static let timeLimit = TimeAmount.seconds(10)
    /// errno of a Unix socket's full backlog, unix(7); the same number on all Linux architectures.
    private static let tryAgain: Int32 = 11

    let stream: AppStream
    let pool: StreamPool
    private var attempt = 0

    init(stream: AppStream, pool: StreamPool) {
        self.stream = stream
        self.pool = pool
    }

    /// Connects and attaches within the time limit, or fails the stream.
    func start() {
        let stream = self.stream
        self.pool.eventLoop.assumeIsolated().scheduleTask(in: Self.timeLimit) {
            switch stream.state {
            case .connecting, .attaching: stream.fail("the daemon did not attach the stream in time")
            case .busy, .idle, .closed: break
            }
        }
        self.connect()
    }

    private func connect() {
        let stream = NIOLoopBound(self.stream, eventLoop: self.pool.eventLoop)
        ClientBootstrap(group: self.pool.eventLoop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(stream.value) }
            }
            .connect(unixDomainSocketPath: self.pool.socketPath)
            .assumeIsolated()
            .whenFailure { self.failed($0) }
    }

    private func failed(_ error: any Error) {
        guard self.stream.state == .connecting else { return }
        let code = (error as? IOError)?.errnoCode ?? 0
        guard code == Self.tryAgain, self.attempt < Self.maxAttempts else {
            let system = SystemError(call: "connect", code: code, subject: self.pool.socketPath)
            return self.stream.fail(
                code == 0 ? "connecting to \(self.pool.socketPath) failed: \(error)" : "\(system)",
                isOutOfDescriptors: system.isTooManyDescriptors
            )
        }
        var next = self
        next.attempt += 1
        let delay = TimeAmount.milliseconds(1 << Int64(min(self.attempt, 6)))
        self.pool.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            if next.stream.state == .connecting { next.connect() }
        }
    }
}
