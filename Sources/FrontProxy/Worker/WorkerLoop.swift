// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore

/// One event loop of the worker with its connections.
///
/// The methods may be called from any thread; what they do happens on the loop, in the order of the calls.
final class WorkerLoop: Sendable {
    let eventLoop: SocketLoop
    private let state: NIOLoopBound<State>

    /// Confined to the loop.
    private final class State {
        let context: WorkerLoopContext
        let link: DaemonLink

        init(context: WorkerLoopContext, link: DaemonLink) {
            self.context = context
            self.link = link
        }
    }

    /// Created on the loop.
    init(context: WorkerLoopContext, link: DaemonLink) {
        eventLoop = context.eventLoop
        state = NIOLoopBound(State(context: context, link: link), eventLoop: context.eventLoop)
    }

    /// Takes over an accepted socket, or one that this loop has given back to the acceptor.
    func adopt(_ client: AcceptedClient, of acceptor: Acceptor, wasIdle: Bool) {
        eventLoop.execute {
            let context = self.state.value.context
            // One that was idle has been awaited all the time.
            if !wasIdle { context.awaitedConnections += 1 }
            let home = ClientSocket(client, of: acceptor, on: self, context)
            let connection = HTTP1Connection(
                context: context,
                listen: acceptor.listeners[client.listener].address,
                isTrustedPeer: client.isTrustedPeer,
                home: home
            )
            do throws(SystemError) {
                try connection.open(Descriptor(owning: client.socket))
            } catch {
                home.ended()
                context.couldNotOpen(error)
            }
            context.awaitedConnections -= 1
        }
    }

    /// A client that was given back to the acceptor has left.
    func idleEnded() {
        eventLoop.execute { self.state.value.context.awaitedConnections -= 1 }
    }

    /// Closes connections that are not in use, because descriptors are short.
    func makeRoom() {
        eventLoop.execute { _ = self.state.value.context.makeRoom() }
    }

    /// Finishes what is under way; `done` is called on the loop when no connection is left.
    func drain(done: @escaping @Sendable () -> Void) {
        eventLoop.execute {
            let state = self.state.value
            state.context.connectionsDrained = {
                state.link.stop()
                state.context.streams.close()
                state.context.accessLog.flush()
                done()
            }
            state.context.beginDraining()
        }
    }

    /// Closes all connections, in the middle of answers too.
    func closeAll() {
        eventLoop.execute { self.state.value.context.closeAll() }
    }
}
