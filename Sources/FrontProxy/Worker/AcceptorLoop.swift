// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import LinuxSystem
import Logging
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

    private let acceptor: Acceptor
    private let loop: EpollLoop
    private var sources: [EpollLoop.Source] = []
    /// Ends the pause; nil: new connections are taken.
    private var pause: EpollLoop.Timer?
    private var nextLoop = 0
    private var lastComplaint: UInt64 = 0

    init(_ acceptor: Acceptor, _ loop: EpollLoop) throws(SystemError) {
        self.acceptor = acceptor
        self.loop = loop
        for listener in acceptor.listeners {
            sources.append(
                try loop.add(listener.socket.rawValue) { [unowned self] _ in
                    // Another listener may have had the last place of this turn.
                    if self.pause == nil { self.accept(from: listener) }
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
            for listener in acceptor.listeners where closing.contains(listener.address) {
                while accept(from: listener) {}
            }
            done()
            loop.stop()
        }
    }

    // MARK: Accepting

    /// Takes what waits, up to a limit; true if there may be more.
    @discardableResult
    private func accept(from listener: Acceptor.Listener) -> Bool {
        for _ in 0..<Self.maxPerTurn {
            guard acceptor.budget.withLock({ $0.begin() }) else {
                awaitRoom()
                return false
            }
            var isOpen = false
            defer { if !isOpen { acceptor.connectionEnded() } }
            do throws(SystemError) {
                let connection = try UnixListener.accept(on: listener.socket.rawValue, nonBlocking: true)
                handOver(connection, from: listener.address)
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

    private func handOver(_ connection: consuming AcceptedConnection, from address: ListenAddress) {
        // Now, not when a request says something: the peer may be gone by then, and its socket somebody else's.
        let isUnix = if case .unix = address { true } else { false }
        let uid = isUnix ? connection.peer.uid : PeerSocket.uid(ofPeerOfTCP: connection.rawValue)
        acceptor.loops[nextLoop]
            .adopt(
                connection.takeDescriptor().release(),
                from: address,
                isTrustedPeer: acceptor.trust.trusts(uid),
                whenEnded: { [acceptor] in acceptor.connectionEnded() }
            )
        nextLoop = (nextLoop + 1) % acceptor.loops.count
    }

    // MARK: Pauses

    /// As many connections are open as may be: closes those that only wait for another request, until one has ended.
    private func awaitRoom() {
        for loop in acceptor.loops { loop.makeRoom() }
        if mayComplain() { acceptor.logger.warning("worker_connections are in use: new connections wait") }
        pause(for: Self.fullPause)
    }

    /// Out of descriptors or memory: says so once in a while, makes room and waits a little for things to get better.
    private func complain(_ error: SystemError, _ listener: Acceptor.Listener) {
        if error.isTooManyDescriptors {
            for loop in acceptor.loops { loop.makeRoom() }
        }
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
