// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// The socket `admin.sock` in the instance directory: everybody may connect, rights come from the peer's user.
///
/// It also takes over the connections that come for administration to the socket of the fronts.
package final class AdminSocket {
    private let eventLoop: any EventLoop
    private let service: AdminService
    private let counts: ConnectionCounts
    private let logger: Logger
    private var doorkeeper: Doorkeeper?
    /// The open connections with the uids of their peers, numbered as they came.
    private var connections: [UInt64: (uid: UInt32, channel: any Channel)] = [:]
    private var lastConnection: UInt64 = 0

    init(
        eventLoop: any EventLoop,
        service: AdminService,
        counts: ConnectionCounts = ConnectionCounts(),
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.service = service
        self.counts = counts
        self.logger = logger
    }

    /// Listens at `path`, in place of what an earlier core has left there.
    package func open(path: String) throws {
        let listener = try UnixListener.bind(path: path, mode: 0o666, backlog: 128, nonBlocking: true)
        let socket = NIOLoopBound(self, eventLoop: self.eventLoop)
        let eventLoop = self.eventLoop
        let doorkeeper = try Doorkeeper(
            listener: listener.takeDescriptor(),
            name: "admin-door",
            roles: [.admin],
            counts: self.counts,
            complaints: self.service.complaints,
            logger: self.logger,
            admits: { _ in true },
            deliver: { arrival in eventLoop.execute { socket.value.take(arrival) } }
        )
        try doorkeeper.start()
        self.doorkeeper = doorkeeper
    }

    /// Serves a connection that came for administration; on the core loop.
    package func take(_ arrival: Arrival) {
        guard let descriptor = arrival.descriptor.take() else { return }
        if let other = arrival.ticket.inPlaceOf { self.closeOldest(of: other) }
        let handler = AdminConnection(arrival, service: self.service, logger: self.logger)
        Arrival.join(descriptor, to: self.eventLoop, handler: handler, readsAtMost: Self.readSize)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.track(channel, of: arrival.peer.uid)
                case .failure(let error):
                    self.logger.debug("admin connection failed", metadata: [LogKeys.error: "\(error)"])
                }
            }
    }

    /// A request fits into two; a buffer of this size is all that an idle connection costs.
    private static let readSize = 4096

    /// Takes in no more connections and closes those that are open.
    package func close() {
        self.doorkeeper?.close()
        self.doorkeeper = nil
        for (_, channel) in self.connections.values { channel.close(promise: nil) }
    }

    /// All places are taken, and this user has the most of them.
    private func closeOldest(of uid: UInt32) {
        let theirs = self.connections.filter { $0.value.uid == uid }
        theirs.min { $0.key < $1.key }?.value.channel.close(promise: nil)
    }

    private func track(_ channel: any Channel, of uid: UInt32) {
        self.lastConnection += 1
        let number = self.lastConnection
        self.connections[number] = (uid, channel)
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.connections[number] = nil }
    }
}
