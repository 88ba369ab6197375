// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// Where a client's socket comes from; confined to the event loop of its connection.
///
/// A connection that has waited long for another request gives its socket back to the acceptor, and ends.
final class ClientSocket {
    /// Longer than this no connection waits on its loop.
    static let patience = TimeAmount.seconds(5)

    private let client: AcceptedClient
    private let acceptor: Acceptor
    private let loop: WorkerLoop
    private let context: WorkerLoopContext
    private var isGivenBack = false

    init(_ client: AcceptedClient, of acceptor: Acceptor, on loop: WorkerLoop, _ context: WorkerLoopContext) {
        self.client = client
        self.acceptor = acceptor
        self.loop = loop
        self.context = context
    }

    /// The client waits on without its connection, whose end is next; false if that has to stay.
    func giveBack(_ socket: StreamSocket, until end: NIODeadline) -> Bool {
        // The connection closes its own descriptor; the kernel keeps what is behind it for this one.
        guard let duplicate = try? Descriptor.duplicating(socket.number) else { return false }
        let copy = AcceptedClient(
            socket: duplicate.rawValue,
            listener: client.listener,
            isTrustedPeer: client.isTrustedPeer
        )
        let rest = UInt64(clamping: (end - .now()).nanoseconds)
        guard acceptor.keep(IdleClient(client: copy, loop: loop, end: MonotonicClock.now + rest)) else { return false }
        _ = duplicate.release()
        context.awaitedConnections += 1
        isGivenBack = true
        return true
    }

    /// The connection is closed, or could not be opened.
    func ended() {
        if !isGivenBack { acceptor.connectionEnded() }
    }
}
