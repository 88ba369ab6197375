// SPDX-License-Identifier: MIT

import LinuxSystem
package import Logging
package import NIOCore
import WireProtocol

/// The socket `admin.sock` in the instance directory: everybody may connect, rights come from the peer's user.
///
/// It also takes over the connections that come for administration to the socket of the fronts.
package final class AdminSocket {
    private let eventLoop: any EventLoop
    private let service: AdminService
    private let logger: Logger
    private var doorkeeper: Doorkeeper?
    private var channels: [ObjectIdentifier: any Channel] = [:]

    package init(eventLoop: any EventLoop, service: AdminService, logger: Logger) {
        self.eventLoop = eventLoop
        self.service = service
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
            counts: ConnectionCounts(),
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
        let handler = AdminConnection(arrival, service: self.service, logger: self.logger)
        Arrival.join(descriptor, to: self.eventLoop, handler: handler)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.track(channel)
                case .failure(let error):
                    self.logger.warning("admin connection failed", metadata: [LogKeys.error: "\(error)"])
                }
            }
    }

    /// Takes in no more connections and closes those that are open.
    package func close() {
        self.doorkeeper?.close()
        self.doorkeeper = nil
        for channel in self.channels.values { channel.close(promise: nil) }
    }

    private func track(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        self.channels[id] = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.channels[id] = nil }
    }
}
