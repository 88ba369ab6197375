// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import WireProtocol

/// Brings fronts and apps together, on a thread of its own: hands the sockets of apps over, or copies bytes without looking at them.
///
/// What comes in is written at once, from the event that announced it; only what the kernel did not take is kept, and
/// reading pauses until it is gone. Each direction is half-closed on its own.
final class StreamRelay: Sendable {
    enum Order: Sendable {
        case attach(Arrival)
        /// Shut for writing, read to the end, at most for so long; then tell how many streams are left, now and
        /// whenever one ends.
        ///
        /// Sockets that were handed over are left alone while the process of the front may still read from them.
        case frontLost(ConnectionID, limits: [ProcessID: Duration], front: FrontProcess)
        /// The same for those of its streams that their front has shut, or the one that was handed over and that it names.
        case abandoned(StreamGroup, StreamNumber?, limit: Duration)
        case processGone(ProcessID)
        /// Tell whether the app left bytes of this stream unread.
        case lookUp(StreamNumber, of: StreamGroup)
        /// Close: nobody holds a session of this process over that connection, and it gets no new ones.
        case close(StreamGroup)
        case stop
    }

    let directory: StreamDirectory
    /// What fronts are offered, `WireFeature`s.
    let features: UInt64
    let logger: Logger
    /// Streams of a lost front that are left; called on the relay's thread.
    let streamsLeft: @Sendable (StreamGroup, Int) -> Void
    /// A process takes no connections; called on the relay's thread before the front is told.
    let connectFailed: @Sendable (ProcessID, _ reason: String) -> Void
    /// The answer to `lookUp`; called on the relay's thread.
    let lookedUp: @Sendable (StreamGroup, StreamNumber, _ wasUnread: Bool) -> Void
    private let orders: Mailbox<Order>

    init(
        directory: StreamDirectory,
        features: UInt64 = WireFeature.supported,
        logger: Logger,
        streamsLeft: @escaping @Sendable (StreamGroup, Int) -> Void,
        connectFailed: @escaping @Sendable (ProcessID, _ reason: String) -> Void,
        lookedUp: @escaping @Sendable (StreamGroup, StreamNumber, _ wasUnread: Bool) -> Void
    ) throws(SystemError) {
        self.directory = directory
        self.features = features
        self.logger = logger
        self.streamsLeft = streamsLeft
        self.connectFailed = connectFailed
        self.lookedUp = lookedUp
        self.orders = try Mailbox()
    }

    func start() throws(SystemError) {
        try EpollThread.startDetached(name: "stream-relay", failed: CoreFailure.handler(.relay)) {
            loop throws(SystemError) in
            let relayLoop = RelayLoop(self, loop)
            try loop.add(self.orders) { relayLoop.carryOut($0) }
        }
    }

    /// Hands an order to the relay's thread; from any thread, carried out in order.
    func order(_ order: Order) { self.orders.post(order) }
}
