// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// The socket of a client's channel; confined to the channel's event loop.
///
/// A connection that has waited long for another request gives its socket back to the acceptor, and ends as a channel.
final class ClientSocket {
    /// Longer than this no connection waits as a channel.
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

    /// Its descriptor, which the channel closes.
    var number: Int32 { client.socket }

    /// The client waits on without a channel, whose end is next; false if it has to keep it.
    func giveBack(until end: NIODeadline) -> Bool {
        // The channel closes its own descriptor; the kernel keeps the connection for this one.
        guard let socket = try? Descriptor.duplicating(client.socket) else { return false }
        let copy = AcceptedClient(
            socket: socket.rawValue,
            listener: client.listener,
            isTrustedPeer: client.isTrustedPeer
        )
        let rest = UInt64(clamping: (end - .now()).nanoseconds)
        guard acceptor.keep(IdleClient(client: copy, loop: loop, end: MonotonicClock.now + rest)) else { return false }
        _ = socket.release()
        context.awaitedConnections += 1
        isGivenBack = true
        return true
    }

    /// The channel is closed, or could not be opened.
    func ended() {
        if !isGivenBack { acceptor.connectionEnded() }
    }
}
