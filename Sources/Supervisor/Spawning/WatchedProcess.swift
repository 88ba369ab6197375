// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import SpawnPlan
import WireProtocol

/// One app process as its watcher sees it: its end (pidfd), what it prints, what it says, and how it is ended.
///
/// How it was started is the matter of its `WatchedStart`, which is there until it is ready or has failed. Confined to the
/// watcher's thread.
final class WatchedProcess {
    /// Read in one turn from one channel.
    private static let bytesPerTurn = 8 * 1024
    /// What a process left in its pipe when it ended: the app can make a pipe hold so much, more is written by others.
    private static let lastBytes = 1024 * 1024

    /// Channels that have something to read, and wait for a turn.
    private struct Waiting: OptionSet {
        let rawValue: UInt8
        static let control = Waiting(rawValue: 1)
        static let output = Waiting(rawValue: 2)
    }

    private(set) var facts: AppProcessFacts
    let share: TurnShares.ID
    private let handle: ProcessHandle
    private let ender: any ProcessEnder
    private let records: ProcessRecords?
    private let work: WorkBoard.Subject
    private let program: LoaderProgram
    private let clock: JourneyClock
    private let priority: StartPriority?
    /// Of the time that it has to start: from then on it waits for a processor no longer than those that serve.
    private let halfTime: Duration
    private let room: WatchRoom
    private let report: @Sendable (AppEvent) -> Void
    private var life = ProcessLife()
    private var start: WatchedStart?
    private var exit: EpollLoop.Source?
    private var control: Channel?
    private var output: Channel?
    private var lines = OutputLines()
    private var messages = ServiceMessages()
    private var waiting: Waiting = []
    private var isQueued = false
    private var isPaused = false
    /// To be done when what it has printed by now is read.
    private var afterLastWords: [() -> Void] = []
    private var lastWordsLeft = 0

    /// A descriptor that is open as long as this holds it, and its place in the loop; no place if it could not get one.
    private struct Channel {
        let descriptor: SharedDescriptor
        var source: EpollLoop.Source?
    }

    init(_ starting: StartingProcess, in room: WatchRoom, report: @escaping @Sendable (AppEvent) -> Void) {
        self.facts = starting.ends.facts
        self.handle = starting.ends.handle
        self.ender = starting.ends.ender
        self.records = starting.ends.records
        self.work = starting.ends.work
        self.program = starting.plan.program
        self.clock = starting.plan.clock
        self.priority = starting.plan.priority
        self.halfTime = starting.plan.timeout.limit / 2
        self.room = room
        self.share = room.newShare()
        self.report = report
        self.control = starting.ends.control.map { Channel(descriptor: $0) }
        self.output = Channel(descriptor: starting.ends.output)
        self.start = WatchedStart(starting, room) { [unowned self] outcome in self.startEnded(outcome) }
    }

    /// Listens to everything; a failure ends the process and is told as one of its start.
    func begin() {
        do throws(SystemError) {
            // First, so that the end is told whatever else fails. The loop keeps this alive until all of it is over.
            self.exit = try self.room.loop.add(self.handle.rawValue) { _ in
                WorkBoard.run(self.work) { self.hasEnded() }
            }
            if let output = self.output {
                self.output?.source = try self.room.loop.add(output.descriptor.rawValue) { _ in
                    self.wait(for: .output)
                }
            }
            try self.start?.begin()
            self.takeBackPriorityAtHalfTime()
            if let control = self.control {
                self.control?.source = try self.room.loop.add(control.descriptor.rawValue) { _ in
                    // A start is short, and its words are bounded.
                    WorkBoard.run(self.work) {
                        if self.start != nil { self.readControl() } else { self.wait(for: .control) }
                    }
                }
            }
        } catch {
            self.start?.cannotBeWatched(error)
        }
    }

    // MARK: The start

    private func startEnded(_ outcome: WatchedStart.Outcome) {
        guard let start = self.start else { return }
        switch outcome {
        case .ready(let concurrency, let readsFramedBodies, let address):
            guard self.life.started() == .tell else { return }
            self.start = nil
            if self.program.role == .worker {
                self.facts.service = AppProcessFacts.Service(
                    transport: AppTransportKind(self.program.transport, readsFramedBodies: readsFramedBodies),
                    address: address ?? .unix(path: self.facts.socketPath),
                    concurrency: concurrency
                )
            }
            self.takeBackPriority()
            // What the next daemon does not know of it then, it can do without.
            try? self.records?.add(self.facts)
            self.report(.ready(self.facts, start.context))
            self.take(start.takeRest(), at: start.now)
        case .failed(var failure):
            guard self.life.startFailed() == .tellAndEnd else { return }
            self.start = nil
            if let limit = self.ender.reachedLimit { failure.cause = failure.cause.reaching(limit) }
            self.ender.endAll()
            // What it printed about it is on its way already.
            self.readLastWords { [unowned self] in
                failure.context.output = self.lines.tail.text
                self.report(.failed(failure))
            }
        }
    }

    /// Before anybody hears that it is ready: its first request does not wait behind those of others.
    private func takeBackPriority() {
        guard let priority = self.priority else { return }
        priority.takeBack(from: self.facts.pid)
        // A thread that was being made in that moment was missed, and so would be what it starts.
        self.room.loop.schedule(at: self.clock.instant(of: self.clock.now + .seconds(1))) { [weak self] in
            // Once it has been collected, its number may be another's.
            if let self, self.exit != nil { priority.takeBack(from: self.facts.pid) }
        }
    }

    /// Or a machine that is busy for long would never start anything again.
    private func takeBackPriorityAtHalfTime() {
        guard let priority = self.priority else { return }
        self.room.loop.schedule(at: self.clock.instant(of: self.halfTime)) { [weak self] in
            if let self, self.exit != nil, self.start != nil { priority.takeBack(from: self.facts.pid) }
        }
    }

    // MARK: Turns

    private func wait(for channel: Waiting) {
        self.waiting.insert(channel)
        // Its end comes in a turn of its own; a hang-up is told even while it is paused.
        guard !self.isQueued, !self.isPaused else { return }
        self.isQueued = true
        self.room.enqueue(self)
    }

    /// Reads a little of what waits; more comes with the next event.
    func takeTurn() {
        self.isQueued = false
        let waiting = self.waiting
        self.waiting = []
        WorkBoard.run(self.work) {
            if waiting.contains(.control) { self.readControl() }
            if waiting.contains(.output) { self.readOutput() }
        }
    }

    private var turnRoom: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: self.room.chunk[..<Self.bytesPerTurn])
    }

    /// It has had its share: nothing is read for a while, and who prints more than a pipe holds has to wait.
    func pause() {
        self.isPaused = true
        // Edge-triggered, nothing but one hang-up is told of it.
        self.listen(for: .edgeTriggered)
    }

    func resume() {
        self.isPaused = false
        self.listen(for: .readable)
    }

    private func listen(for events: Epoll.Events) {
        for case let source? in [self.output?.source, self.control?.source] {
            // Cannot fail for a descriptor that is in the loop.
            try? self.room.loop.modify(source, for: events)
        }
    }

    var isReadingLastWords: Bool { !self.afterLastWords.isEmpty }

    /// Calls `body` when the pipe has been read to its present end, in turns, but without a pause.
    private func readLastWords(_ body: @escaping () -> Void) {
        guard self.output != nil else { return body() }
        self.afterLastWords.append(body)
        self.lastWordsLeft = Self.lastBytes
        if self.isPaused { self.resume() }
        self.wait(for: .output)
    }

    private func lastWordsRead() {
        let bodies = self.afterLastWords
        self.afterLastWords = []
        for body in bodies { body() }
    }

    // MARK: The control channel

    private func readControl() {
        self.start?.catchUpWithLaunch()
        guard let control = self.control else { return }
        let room = self.start == nil ? self.turnRoom : self.room.chunk
        switch try? Transfers.read(control.descriptor.rawValue, into: room) {
        case .bytes(let count):
            let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
            if let start = self.start { start.received(bytes) } else { self.take(bytes, at: self.clock.now) }
        case .wouldBlock: return
        case .endOfStream, nil:
            // It stays open for writing no longer than the process wants it, but there is nothing to be read again.
            self.closeControl()
            self.start?.controlClosed()
        }
    }

    /// What it says once it serves.
    private func take(_ bytes: some Collection<UInt8>, at now: Duration) {
        for message in self.messages.received(bytes, at: now) { self.report(.said(message)) }
    }

    /// If it cannot be told, because it reads nothing of what it is sent, it does not answer in time.
    func beginOutOfBandWork() {
        guard let control = self.control else { return }
        self.messages.awaitAnswer()
        let order = Array(ServiceMessages.beginOutOfBandWork.utf8) + [UInt8(ascii: "\n")]
        _ = try? order.withUnsafeBytes { bytes throws(SystemError) in
            try Transfers.sendWithoutWaiting(control.descriptor.rawValue, bytes)
        }
    }

    /// Nil before it serves, and once it is told to end.
    var orderChannel: OrderChannel? {
        guard self.start == nil, let control = self.control else { return nil }
        return OrderChannel(handle: self.handle, control: control.descriptor)
    }

    private func closeControl() {
        if let source = self.control?.source { self.room.loop.remove(source) }
        self.control = nil
    }

    // MARK: Output

    private func readOutput() {
        guard let output = self.output else { return }
        let room = self.turnRoom
        switch try? Transfers.read(output.descriptor.rawValue, into: room) {
        case .bytes(let count):
            let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
            self.lines.received(bytes, at: self.clock.now) { self.log($0) }
            guard self.isReadingLastWords else { return }
            self.lastWordsLeft -= count
            // A short read has emptied the pipe.
            if count == room.count, self.lastWordsLeft > 0 { self.wait(for: .output) } else { self.lastWordsRead() }
        case .wouldBlock: self.lastWordsRead()
        case .endOfStream, nil: self.closeOutput()
        }
    }

    private func log(_ item: OutputLines.Item) {
        switch item {
        case .line(let line): self.room.sink(self.facts.group.description, self.facts.pid, line)
        case .dropped(let count):
            let note = "[\(count) lines left out: the application prints more than is logged]"
            self.room.sink(self.facts.group.description, self.facts.pid, Array(note.utf8))
        }
    }

    /// Also when others still hold it: what they write is not read any more.
    func closeOutput() {
        guard let output = self.output else { return }
        self.lines.finish { self.log($0) }
        if let source = output.source { self.room.loop.remove(source) }
        self.output = nil
        let isForgotten = self.life.outputClosed() == .forget
        self.lastWordsRead()
        if isForgotten { self.room.forget(self) }
    }

    // MARK: End

    func terminate() { self.perform(self.life.terminate()) }
    func kill() { self.perform(self.life.kill()) }

    private func perform(_ action: ProcessLife.EndAction) {
        switch action {
        case .nothing: return
        case .endAll: self.ender.endAll()
        case .ask:
            // Programs with a loader see the end of file on their control channel; others get the usual signal.
            if let control = self.control {
                // Whoever has borrowed the channel for an order, the process sees its end.
                try? Transfers.shutdownBoth(control.descriptor.rawValue)
                self.closeControl()
            } else {
                // Gone already: its pidfd tells next.
                _ = try? self.handle.signal(.terminate)
            }
        }
    }

    private func hasEnded() {
        guard let source = self.exit else { return }
        self.exit = nil
        self.room.loop.remove(source)
        // In this order: what it said, what it printed, and only then that it is gone.
        if self.start != nil { self.readControl() }
        self.ender.endAll()
        self.readLastWords { [self] in self.collect() }
    }

    private func collect() {
        // Before it is collected, its number cannot be used again: what follows from a failed start may signal it.
        let seen = (try? self.handle.peek()).flatMap { $0 }
        self.start?.processEnded(seen)
        self.records?.remove(pid: self.facts.pid, startedAt: self.facts.startTime)
        // Somebody else collected it: then the kernel does not tell us how it ended.
        let status = (try? self.handle.collect()).flatMap { $0 }
        let limit = status == .signaled(Signal.kill.rawValue, coreDumped: false) ? self.ender.reachedLimit : nil
        self.ender.collected()
        let action = self.life.ended()
        self.closeControl()
        // The front may have removed nothing: the file is ours, in a directory of ours.
        if !self.facts.socketPath.isEmpty { try? Files.remove(self.facts.socketPath) }
        if case .tell(let wasExpected) = action {
            let output = self.lines.tail.text
            self.report(.ended(status, limit: limit, wasExpected: wasExpected, lastOutput: output))
        }
        self.room.ended(self, keepsOutput: self.output != nil)
    }
}
