// SPDX-License-Identifier: MIT

import LinuxSystem

/// A client's socket as its acceptor hands it on: it becomes a connection, and may come back as a bare descriptor.
///
/// Whoever has it owns the descriptor.
struct AcceptedClient: Sendable {
    let socket: Int32
    /// Which of the acceptor's listeners it came from.
    let listener: Int
    /// Its peer is a proxy whose word about the origin of requests counts.
    let isTrustedPeer: Bool
}

/// A client that has asked for nothing for a while and is without a connection object until it does.
struct IdleClient: Sendable {
    let client: AcceptedClient
    /// Where it was, and will be again.
    let loop: WorkerLoop
    /// When its connection ends if it keeps silent; of `MonotonicClock`.
    let end: UInt64
}

/// Client connections without a request, as bare descriptors; confined to the acceptor's thread.
///
/// A connection with its buffers takes some kilobytes, and most of the connections of a busy front wait for nothing but another
/// request: here each of them takes some hundred bytes.
final class IdleClients {
    private struct Waiting {
        let client: IdleClient
        let source: EpollLoop.Source
        let timer: TimerQueue<UInt64>.ID
    }

    /// Nanoseconds between two looks at the clients whose time may be over.
    private static let sweepInterval: UInt64 = 250_000_000

    private let loop: EpollLoop
    /// Hears of each client that is here no more; those that `spoke` have bytes to read, the others are closed.
    private let left: (IdleClient, _ spoke: Bool) -> Void
    private var waiting: [UInt64: Waiting] = [:]
    private var ends = TimerQueue<UInt64>()
    private var lastNumber: UInt64 = 0
    private var sweep: EpollLoop.Timer?

    init(_ loop: EpollLoop, left: @escaping (IdleClient, _ spoke: Bool) -> Void) {
        self.loop = loop
        self.left = left
    }

    func add(_ client: IdleClient) {
        lastNumber += 1
        let number = lastNumber
        do throws(SystemError) {
            let source = try loop.add(client.client.socket, for: [.readable, .peerShutdown]) { [unowned self] events in
                self.woke(number, events)
            }
            waiting[number] = Waiting(client: client, source: source, timer: ends.add(number, at: client.end))
        } catch {
            // Without memory for it in the kernel, the loop has it again.
            return left(client, true)
        }
        scheduleSweep()
    }

    /// Closes those that would have ended soonest: an eighth, or all if they are few; says how many that were.
    func makeRoom() -> Int {
        let count = max(waiting.count / 8, min(waiting.count, 64))
        for _ in 0..<count {
            if let number = ends.takeDue(at: .max) { remove(number, spoke: false) }
        }
        return count
    }

    /// From now on no client stays longer than until `end`.
    func shorten(to end: UInt64) {
        let all = waiting
        for (number, entry) in all where entry.client.end > end {
            ends.remove(entry.timer)
            let client = IdleClient(client: entry.client.client, loop: entry.client.loop, end: end)
            waiting[number] = Waiting(client: client, source: entry.source, timer: ends.add(number, at: end))
        }
        if let sweep { loop.cancel(sweep) }
        sweep = nil
        scheduleSweep()
    }

    func closeAll() {
        for number in Array(waiting.keys) { remove(number, spoke: false) }
    }

    private func woke(_ number: UInt64, _ events: Epoll.Events) {
        guard let entry = waiting[number] else { return }
        // One that has left is not worth a connection object; but a client may ask and shut its side at once.
        let mayHaveLeft = !events.isDisjoint(with: [.peerShutdown, .hangUp, .failed])
        remove(number, spoke: !mayHaveLeft || SocketInput.isWaiting(in: entry.client.client.socket))
    }

    private func remove(_ number: UInt64, spoke: Bool) {
        guard let entry = waiting.removeValue(forKey: number) else { return }
        ends.remove(entry.timer)
        loop.remove(entry.source)
        if !spoke { _ = Descriptor(owning: entry.client.client.socket) }
        left(entry.client, spoke)
    }

    private func scheduleSweep() {
        guard sweep == nil, let earliest = ends.earliest else { return }
        sweep = loop.schedule(at: max(earliest, MonotonicClock.now + Self.sweepInterval)) { [unowned self] in
            self.sweep = nil
            let now = MonotonicClock.now
            while let number = self.ends.takeDue(at: now) { self.remove(number, spoke: false) }
            self.scheduleSweep()
        }
    }
}
