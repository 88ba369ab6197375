// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// Connects streams and has the daemon attach them, on a thread of its own and on plain descriptors.
///
/// NIO never shows the descriptors that come with bytes. A stream is attached once and used thousands of times.
final class StreamAttacher: Sendable {
    /// A stream that is attached.
    struct Connection: Sendable {
        let socket: TravellingDescriptor
        /// Of the app's own socket; nil: the socket is that of the connection to the daemon, which copies.
        let duplicate: SharedDescriptor?
        let number: StreamNumber?
        /// The first bytes of the app.
        var remainder = ByteBuffer()

        /// Nobody uses it.
        func discard() {
            // Fails where the app is gone already.
            if let duplicate { try? Transfers.shutdownBoth(duplicate.rawValue) }
        }
    }

    struct Failure: Error {
        let reason: String
        /// This process may have no more of them.
        var isOutOfDescriptors = false
    }

    typealias Outcome = Result<Connection, Failure>

    struct Order: Sendable {
        let token: StreamToken
        /// Called once, on the attacher's thread.
        let tell: @Sendable (Outcome) -> Void
    }

    enum Message: Sendable {
        case attach(Order)
        case stop
    }

    private let mailbox: Mailbox<Message>

    /// `failed` is called when the thread cannot wait any more.
    init(
        socketPath: String,
        features: UInt64,
        failed: @escaping @Sendable (SystemError) -> Void
    ) throws(SystemError) {
        let mailbox = try Mailbox<Message>()
        self.mailbox = mailbox
        try EpollThread.startDetached(name: "attach", failed: failed) { loop throws(SystemError) in
            let attaching = AttacherLoop(socketPath: socketPath, features: features, loop)
            // Keeps it until the end.
            try loop.add(mailbox) { attaching.carryOut($0) }
        }
    }

    deinit { self.mailbox.post(.stop) }

    /// From any thread.
    func attach(_ order: Order) { self.mailbox.post(.attach(order)) }
}

/// What the attacher's thread does; confined to it.
private final class AttacherLoop {
    /// A full backlog makes `connect` fail with EAGAIN, which epoll does not report later: it is tried again after 1, 2, 4 … 64 ms.
    private static let longestPause: UInt64 = 64_000_000
    /// From the beginning to `Attached`.
    private static let timeLimit: UInt64 = 10_000_000_000
    /// Tries to connect, about two seconds in all.
    private static let maxAttempts = 36
    private static let bytesPerRead = 4096

    private final class Attempt {
        let order: StreamAttacher.Order
        var handshake: StreamHandshake
        var tries = 0
        var timer: EpollLoop.Timer?
        var connection: (socket: TravellingDescriptor, number: Int32, source: EpollLoop.Source)?
        /// The app's socket; it comes with the first byte of the answer.
        var appSocket: TravellingDescriptor?

        init(_ order: StreamAttacher.Order, features: UInt64) {
            self.order = order
            self.handshake = StreamHandshake(token: order.token, features: features)
        }
    }

    private let socketPath: String
    private let features: UInt64
    private let loop: EpollLoop

    init(socketPath: String, features: UInt64, _ loop: EpollLoop) {
        self.socketPath = socketPath
        self.features = features
        self.loop = loop
    }

    func carryOut(_ message: StreamAttacher.Message) {
        switch message {
        case .attach(let order): self.connect(Attempt(order, features: self.features))
        case .stop: self.loop.stop()
        }
    }

    // MARK: Connecting

    private func connect(_ attempt: Attempt) {
        do {
            let socket = try UnixSocket.connect(path: self.socketPath, nonBlocking: true, takesDescriptors: true)
            let number = socket.rawValue
            let source = try self.loop.add(number) { [unowned self] _ in self.receive(attempt) }
            attempt.connection = (TravellingDescriptor(socket), number, source)
            attempt.timer = self.loop.schedule(at: MonotonicClock.now + Self.timeLimit) { [unowned self] in
                self.fail(attempt, "the daemon did not attach the stream in time")
            }
            try self.sendHello(attempt, over: number)
        } catch  where error.isWouldBlock && attempt.tries < Self.maxAttempts {
            let pause = min(1_000_000 << UInt64(min(attempt.tries, 6)), Self.longestPause)
            attempt.tries += 1
            self.loop.schedule(at: MonotonicClock.now + pause) { [unowned self] in self.connect(attempt) }
        } catch {
            self.fail(attempt, "\(error)", isOutOfDescriptors: error.isTooManyDescriptors)
        }
    }

    private func sendHello(_ attempt: Attempt, over socket: Int32) throws(SystemError) {
        var buffer = ByteBuffer()
        attempt.handshake.hello.write(into: &buffer)
        let outcome = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(SystemError) -> Transfer in try Transfers.send(socket, bytes) }
        }
        // A connection that is new has room for it.
        _ = try outcome.get()
    }

    // MARK: The answer

    private func receive(_ attempt: Attempt) {
        guard let number = attempt.connection?.number else { return }
        do throws(SystemError) {
            var message = try DescriptorPassing.receive(limit: Self.bytesPerRead, from: number)
            if let descriptor = message.descriptors.takeFirst() { attempt.appSocket = TravellingDescriptor(descriptor) }
            guard !message.bytes.isEmpty else {
                return self.fail(attempt, "the daemon closed the stream before it was attached")
            }
            try self.take(ByteBuffer(bytes: message.bytes), of: attempt)
        } catch  where error.isWouldBlock {
            return
        } catch {
            // The kernel leaves out the descriptors for which this process has no room.
            self.fail(attempt, "\(error)", isOutOfDescriptors: error.isTooManyDescriptors || error.isMessageTooLong)
        }
    }

    private func take(_ bytes: ByteBuffer, of attempt: Attempt) throws(SystemError) {
        let outcome: StreamHandshake.Outcome
        do throws(WireError) {
            outcome = try attempt.handshake.received(bytes)
        } catch {
            return self.fail(attempt, "the daemon's answer to the stream is malformed: \(error)")
        }
        switch outcome {
        case .incomplete: break
        case .refused(let reason): self.fail(attempt, "the daemon refused the stream: \(reason)")
        case .attached(let attached, let remainder): try self.attached(attempt, attached, remainder)
        }
    }

    private func attached(_ attempt: Attempt, _ attached: Attached, _ remainder: ByteBuffer) throws(SystemError) {
        guard let connection = attempt.connection else { return }
        switch attached.mode {
        case .relayed:
            let stream = StreamAttacher.Connection(
                socket: connection.socket,
                duplicate: nil,
                number: attached.number,
                remainder: remainder
            )
            self.finish(attempt, .success(stream))
        case .handedOver:
            guard let socket = attempt.appSocket, let descriptor = socket.take() else {
                return self.fail(attempt, "the daemon's answer names a socket that did not come with it")
            }
            let duplicate = SharedDescriptor(try descriptor.duplicated())
            self.confirm(over: connection.number)
            let stream = StreamAttacher.Connection(
                socket: TravellingDescriptor(descriptor),
                duplicate: duplicate,
                number: attached.number
            )
            self.finish(attempt, .success(stream))
        }
    }

    /// Without this byte the daemon takes the socket for lost.
    private func confirm(over socket: Int32) {
        withUnsafeBytes(of: Attached.taken) { bytes in
            // A daemon that is gone shuts nothing, and the app's socket ends with its process.
            _ = try? Transfers.send(socket, bytes)
        }
    }

    private func fail(_ attempt: Attempt, _ reason: String, isOutOfDescriptors: Bool = false) {
        self.finish(attempt, .failure(.init(reason: reason, isOutOfDescriptors: isOutOfDescriptors)))
    }

    private func finish(_ attempt: Attempt, _ outcome: StreamAttacher.Outcome) {
        if let timer = attempt.timer { self.loop.cancel(timer) }
        if let connection = attempt.connection { self.loop.remove(connection.source) }
        attempt.timer = nil
        attempt.connection = nil
        attempt.order.tell(outcome)
    }
}
