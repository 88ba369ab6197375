// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import Synchronization

/// What an acceptor's thread does; confined to it.
final class AcceptorLoop {
    /// Connections taken from one listener before the others have their turn.
    private static let maxPerTurn = 64
    /// Nanoseconds.
    private static let complaintInterval: UInt64 = 60_000_000_000
    /// How long nothing is accepted when descriptors or memory are short; nanoseconds.
    private static let shortPause: UInt64 = 50_000_000
    /// How often room is made while as many connections are open as may be; nanoseconds.
    private static let fullPause: UInt64 = 1_000_000_000
    /// For the next request of a client that is kept, once the worker ends, as of one with its loop; nanoseconds.
    private static let drainGrace = UInt64(HTTP1Connection.drainGrace.nanoseconds)
    /// So many connections are worth the time of giving their memory back.
    private static let manyConnections = 256
    /// Until that is done; nanoseconds.
    private static let trimDelay: UInt64 = 10_000_000_000

    private let acceptor: Acceptor
    private let loop: EpollLoop
    private var sources: [EpollLoop.Source] = []
    /// Ends the pause; nil: new connections are taken.
    private var pause: EpollLoop.Timer?
    private var nextLoop = 0
    private var lastComplaint: UInt64 = 0
    private var idle: IdleClients?
    /// Once set, no client is kept for longer.
    private var drainEnd: UInt64?
    /// Connections that were kept since memory was last given back.
    private var freedConnections = 0

    init(_ acceptor: Acceptor, _ loop: EpollLoop) throws(SystemError) {
        self.acceptor = acceptor
        self.loop = loop
        idle = IdleClients(loop) { [unowned self] client, spoke in self.left(client, spoke) }
        for (index, listener) in acceptor.listeners.enumerated() {
            sources.append(
                try loop.add(listener.socket.rawValue) { [unowned self] _ in
                    // Another listener may have had the last place of this turn.
                    if self.pause == nil { self.accept(from: index) }
                }
            )
        }
    }

    func carryOut(_ order: Acceptor.Order) {
        switch order {
        case .room: resume()
        case .end(let closing, let done):
            // What waits at these has nobody else to come to.
            acceptor.budget.withLock { $0.lift() }
            for (index, listener) in acceptor.listeners.enumerated() where closing.contains(listener.address) {
                while accept(from: index) {}
            }
            for source in sources { loop.remove(source) }
            sources = []
            done()
            let end = MonotonicClock.now + Self.drainGrace
            drainEnd = end
            idle?.shorten(to: end)
            endIfPossible()
        case .keep(let client): keep(client)
        case .closeIdle: idle?.closeAll()
        }
    }

    private func endIfPossible() {
        if drainEnd != nil, acceptor.budget.withLock({ $0.close() }) { loop.stop() }
    }

    // MARK: Clients without a request

    private func keep(_ client: IdleClient) {
        let end = min(client.end, drainEnd ?? .max)
        idle?.add(IdleClient(client: client.client, loop: client.loop, end: end))
        freedConnections += 1
        guard freedConnections == Self.manyConnections else { return }
        // They have just been closed on their loops, or are about to be.
        loop.schedule(at: MonotonicClock.now + Self.trimDelay) { [unowned self] in
            self.freedConnections = 0
            HeapMemory.giveBack()
        }
    }

    /// A client that was kept has something to say, or is closed.
    private func left(_ client: IdleClient, _ spoke: Bool) {
        if spoke {
            client.loop.adopt(client.client, of: acceptor, wasIdle: true)
        } else {
            client.loop.idleEnded()
            acceptor.connectionEnded()
        }
        acceptor.budget.withLock { $0.idleEnded() }
        endIfPossible()
    }

    // MARK: Accepting

    /// Takes what waits, up to a limit; true if there may be more.
    @discardableResult
    private func accept(from index: Int) -> Bool {
        let listener = acceptor.listeners[index]
        for _ in 0..<Self.maxPerTurn {
            guard acceptor.budget.withLock({ $0.begin() }) else {
                awaitRoom()
                return false
            }
            var isOpen = false
            defer { if !isOpen { acceptor.connectionEnded() } }
            do throws(SystemError) {
                let connection = try UnixListener.accept(on: listener.socket.rawValue, nonBlocking: true)
                handOver(connection, from: index)
                isOpen = true
            } catch  where error.isWouldBlock {
                return false
            } catch  where error.isTransientAcceptFailure {
                continue
            } catch {
                complain(error, listener)
                return false
            }
        }
        return true
    }

    private func handOver(_ connection: consuming AcceptedConnection, from index: Int) {
        // Now, not when a request says something: the peer may be gone by then, and its socket somebody else's.
        let isUnix = if case .unix = acceptor.listeners[index].address { true } else { false }
        let uid = isUnix ? connection.peer.uid : PeerSocket.uid(ofPeerOfTCP: connection.rawValue)
        let client = AcceptedClient(
            socket: connection.takeDescriptor().release(),
            listener: index,
            isTrustedPeer: acceptor.trust.trusts(uid)
        )
        acceptor.loops[nextLoop].adopt(client, of: acceptor, wasIdle: false)
        nextLoop = (nextLoop + 1) % acceptor.loops.count
    }

    // MARK: Pauses

    /// As many connections are open as may be: closes those that only wait for another request, until one has ended.
    private func awaitRoom() {
        makeRoom()
        if mayComplain() { acceptor.logger.warning("worker_connections are in use: new connections wait") }
        pause(for: Self.fullPause)
    }

    /// Those that are kept here first: they have waited longest.
    private func makeRoom() {
        guard idle?.makeRoom() == 0 else { return }
        for loop in acceptor.loops { loop.makeRoom() }
    }

    /// Out of descriptors or memory: says so once in a while, makes room and waits a little for things to get better.
    private func complain(_ error: SystemError, _ listener: Acceptor.Listener) {
        if error.isTooManyDescriptors { makeRoom() }
        if mayComplain() {
            acceptor.logger.error(
                "cannot accept connections",
                metadata: [LogKeys.address: "\(listener.address)", LogKeys.error: "\(error)"]
            )
        }
        pause(for: Self.shortPause)
    }

    private func pause(for nanoseconds: UInt64) {
        listen(for: [])
        if let pause { loop.cancel(pause) }
        pause = loop.schedule(at: MonotonicClock.now + nanoseconds) { [unowned self] in self.resume() }
    }

    private func resume() {
        guard let timer = pause else { return }
        loop.cancel(timer)
        pause = nil
        guard acceptor.budget.withLock({ $0.hasRoom }) else { return awaitRoom() }
        listen(for: .readable)
    }

    private func listen(for events: Epoll.Events) {
        do throws(SystemError) {
            for source in sources { try loop.modify(source, for: events) }
        } catch {
            acceptor.logger.critical("cannot wait for connections", metadata: [LogKeys.error: "\(error)"])
            CurrentProcess.exit(1)
        }
    }

    private func mayComplain() -> Bool {
        let now = MonotonicClock.now
        guard lastComplaint == 0 || now - lastComplaint > Self.complaintInterval else { return false }
        lastComplaint = now
        return true
    }
}
