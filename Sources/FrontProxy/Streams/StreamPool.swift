// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import WireProtocol

/// The streams of one event loop to app processes: idle ones are kept per process and used last-in-first-out.
final class StreamPool {
    /// What is behind the end of a stream.
    enum Fate: Hashable {
        case ended(ProcessEnd)
        /// The daemon does not say so.
        case notEnded
        /// The daemon itself is gone, and with it its end of the stream.
        case daemonLost
    }

    /// How a process ended, by the daemon's word.
    struct ProcessEnd: Hashable {
        var exitCode: Int32?
        var signal: Int32?
    }

    /// Idle streams per process and loop: a process that takes many requests at once (Node) needs none of them opened anew.
    static let maxIdlePerProcess = 512
    static let idleTime = TimeAmount.seconds(60)
    private static let sweepInterval = TimeAmount.seconds(15)
    /// Processes whose end is remembered, to explain answers that broke off.
    private static let maxRememberedEnds = 64

    let eventLoop: SocketLoop
    let logger: Logger
    private let attacher: StreamAttacher
    private var idle: [ProcessID: [AppStream]] = [:]
    /// Every stream that is not closed.
    private var streams: [ObjectIdentifier: AppStream] = [:]
    private var ends: [ProcessID: ProcessEnd] = [:]
    private var endOrder: CircularBuffer<ProcessID> = []
    private var waitingForEnd: [ProcessID: [Int: (Fate) -> Void]] = [:]
    private var lastWaiter = 0
    private var sweep: Scheduled<Void>?
    private var isClosed = false

    init(eventLoop: SocketLoop, attacher: StreamAttacher, logger: Logger) {
        self.eventLoop = eventLoop
        self.attacher = attacher
        self.logger = logger
    }

    var streamCount: Int { self.streams.count }

    /// A stream to the granted process: ready at once if there is an idle one, else `owner` hears of it later.
    func acquire(_ grant: Granted, for owner: any StreamOwner) -> AppStream {
        if grant.transport != .httpOneShot, let stream = self.idle[grant.process]?.popLast(), stream.begin(owner) {
            return stream
        }
        return self.open(grant, for: owner)
    }

    /// Like `acquire`, but never an idle stream: the one used last was found dead.
    func open(_ grant: Granted, for owner: any StreamOwner) -> AppStream {
        let stream = AppStream(grant: grant, pool: self, owner: owner)
        self.streams[ObjectIdentifier(stream)] = stream
        let (eventLoop, bound) = (self.eventLoop, NIOLoopBound(stream, eventLoop: self.eventLoop))
        self.attacher.attach(
            StreamAttacher.Order(token: grant.streamToken) { outcome in
                eventLoop.execute { bound.value.attached(outcome) }
            }
        )
        return stream
    }

    // MARK: Word from the daemon

    /// The process has ended; its exit code or signal explains broken answers.
    func processGone(_ process: ProcessID, exitCode: Int32?, signal: Int32?) {
        let end = ProcessEnd(exitCode: exitCode, signal: signal)
        if self.ends.updateValue(end, forKey: process) == nil { self.endOrder.append(process) }
        if self.endOrder.count > Self.maxRememberedEnds, let oldest = self.endOrder.popFirst() {
            self.ends[oldest] = nil
        }
        self.closeIdle(of: process)
        for stream in Array(self.streams.values) where stream.process == process { stream.processGone() }
        self.tell(.ended(end), of: process)
    }

    /// No new request goes to this process; its idle streams are closed.
    func processDraining(_ process: ProcessID) { self.closeIdle(of: process) }

    /// Closes every idle stream; says how many that were.
    func closeIdle() -> Int {
        let count = self.idle.values.reduce(0) { $0 + $1.count }
        for process in Array(self.idle.keys) { self.closeIdle(of: process) }
        return count
    }

    /// The control connection was lost: its tokens died with it, and idle streams have no session to be used for.
    func linkLost() {
        _ = self.closeIdle()
        for process in Array(self.waitingForEnd.keys) { self.tell(.daemonLost, of: process) }
    }

    /// Calls `body` as soon as it is known why streams of the process end, at the latest after `limit`.
    func whenKnown(_ process: ProcessID, within limit: TimeAmount, _ body: @escaping (Fate) -> Void) {
        if let end = self.ends[process] { return body(.ended(end)) }
        self.lastWaiter += 1
        let waiter = self.lastWaiter
        self.waitingForEnd[process, default: [:]][waiter] = body
        self.eventLoop.assumeIsolated().scheduleTask(in: limit) {
            // The others have not waited for as long.
            let body = self.waitingForEnd[process]?.removeValue(forKey: waiter)
            if self.waitingForEnd[process]?.isEmpty == true { self.waitingForEnd[process] = nil }
            body?(.notEnded)
        }
    }

    private func tell(_ fate: Fate, of process: ProcessID) {
        for waiter in (self.waitingForEnd.removeValue(forKey: process) ?? [:]).values { waiter(fate) }
    }

    /// Closes every stream, for good; answers that are under way are left to the daemon.
    func close() {
        self.isClosed = true
        self.sweep?.cancel()
        self.sweep = nil
        for stream in Array(self.streams.values) {
            if stream.isReady { stream.leave() } else { stream.close() }
        }
    }

    // MARK: From streams

    func keep(_ stream: AppStream) {
        let kept = self.idle[stream.process]?.count ?? 0
        guard !self.isClosed, kept < Self.maxIdlePerProcess, self.ends[stream.process] == nil else {
            return stream.close()
        }
        self.idle[stream.process, default: []].append(stream)
        if self.sweep == nil { self.scheduleSweep() }
    }

    func forgetIdle(_ stream: AppStream) {
        guard let index = self.idle[stream.process]?.lastIndex(where: { $0 === stream }) else { return }
        self.idle[stream.process]?.remove(at: index)
    }

    func closed(_ stream: AppStream) {
        self.streams[ObjectIdentifier(stream)] = nil
    }

    private func closeIdle(of process: ProcessID) {
        for stream in self.idle.removeValue(forKey: process) ?? [] { stream.close() }
    }

    private func scheduleSweep() {
        self.sweep = self.eventLoop.assumeIsolated().scheduleTask(in: Self.sweepInterval) { self.sweepIdle() }
    }

    /// Closes what has been idle for long; the ones used last are at the end.
    private func sweepIdle() {
        self.sweep = nil
        let limit = NIODeadline.now() - Self.idleTime
        for (process, streams) in self.idle {
            let stale = streams.prefix { $0.idleSince < limit }
            for stream in stale { stream.close() }
            if self.idle[process]?.isEmpty == true { self.idle[process] = nil }
        }
        if !self.idle.isEmpty { self.scheduleSweep() }
    }
}
