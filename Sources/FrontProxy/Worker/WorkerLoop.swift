// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import NIOPosix

/// One event loop of the worker with its connections.
///
/// The methods may be called from any thread; what they do happens on the loop, in the order of the calls.
final class WorkerLoop: Sendable {
    let eventLoop: any EventLoop
    private let state: NIOLoopBound<State>

    /// Confined to the loop.
    private final class State {
        let context: WorkerLoopContext
        let link: DaemonLink
        /// Sockets that were handed over and have no connection yet.
        var adopting = 0
        var drained: (() -> Void)?

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

    /// Takes over an accepted socket; `isTrustedPeer` says whether its peer is a proxy whose word counts.
    ///
    /// `whenEnded` is called once, on the loop, when it is closed.
    func adopt(
        _ socket: Int32,
        from listen: ListenAddress,
        isTrustedPeer: Bool,
        whenEnded: @escaping @Sendable () -> Void
    ) {
        eventLoop.execute {
            let state = self.state.value
            state.adopting += 1
            self.open(socket, listen, isTrustedPeer, state.context)
                .assumeIsolated()
                .whenComplete { result in
                    state.adopting -= 1
                    switch result {
                    case .success(let channel): channel.closeFuture.whenComplete { _ in whenEnded() }
                    case .failure(let error):
                        // The client left before its connection had begun.
                        whenEnded()
                        state.context.logger.debug("connection not opened", metadata: [LogKeys.error: "\(error)"])
                    }
                    self.drainIfPossible(state)
                }
        }
    }

    private func open(
        _ socket: Int32,
        _ listen: ListenAddress,
        _ isTrustedPeer: Bool,
        _ context: WorkerLoopContext
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(context, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            // A second read after one that did not fill the buffer would only say that there is nothing.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = HTTP1Connection(
                        context: bound.value,
                        listen: listen,
                        isTrustedPeer: isTrustedPeer
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .withConnectedSocket(socket)
    }

    /// Closes connections that are not in use, because descriptors are short.
    func makeRoom() {
        eventLoop.execute { _ = self.state.value.context.makeRoom() }
    }

    /// Finishes what is under way; `done` is called on the loop when no connection is left.
    func drain(done: @escaping @Sendable () -> Void) {
        eventLoop.execute {
            let state = self.state.value
            state.drained = {
                state.link.stop()
                state.context.streams.close()
                state.context.accessLog.flush()
                done()
            }
            self.drainIfPossible(state)
        }
    }

    /// Connections are counted by the context only once they are open.
    private func drainIfPossible(_ state: State) {
        guard state.adopting == 0, let drained = state.drained else { return }
        state.drained = nil
        state.context.connectionsDrained = drained
        state.context.beginDraining()
    }

    /// Closes all connections, in the middle of answers too.
    func closeAll() {
        eventLoop.execute { self.state.value.context.closeAll() }
    }
}
