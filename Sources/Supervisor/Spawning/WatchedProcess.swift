// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
import WireProtocol

/// One app process as its watcher sees it: its end (pidfd), what it prints, what it says, and how it is ended.
///
/// How it was started is the matter of its `WatchedStart`, which is there until it is ready or has failed. Confined to the
/// watcher's thread.
final class WatchedProcess {
    /// Reads per event: a flood of one app leaves time for the others.
    private static let readsPerTurn = 4
    /// What a process left in its pipe when it ended: a pipe holds 64 KiB, more is written by others.
    private static let readsAtExit = 16

    private(set) var facts: AppProcessFacts
    private let ends: ProcessEnds
    private let plan: StartPlan
    private let room: WatchRoom
    private let report: @Sendable (AppEvent) -> Void
    private var life = ProcessLife()
    private var start: WatchedStart?
    private var exit: EpollLoop.Source?
    private var control: Channel?
    private var output: Channel?
    private var lines = OutputLines()
    private var messages = ServiceMessages()

    /// An open descriptor, and its place in the loop; no place if it could not get one.
    private struct Channel {
        let descriptor: SharedDescriptor
        var source: EpollLoop.Source?
    }

    init(_ starting: StartingProcess, in room: WatchRoom, report: @escaping @Sendable (AppEvent) -> Void) {
        self.facts = starting.ends.facts
        self.ends = starting.ends
        self.plan = starting.plan
        self.room = room
        self.report = report
        self.control = starting.ends.control.map { Channel(descriptor: $0) }
        self.output = Channel(descriptor: starting.ends.output)
        self.start = WatchedStart(starting, room) { [unowned self] outcome in self.startEnded(outcome) }
    }

    /// Listens to everything; a failure ends the process and is told as one of its start.
    func begin() {
        do throws(SystemError) {
            // First, so that the end is told whatever else fails. The loop keeps this alive until all of it is over.
            self.exit = try self.room.loop.add(self.ends.handle.rawValue) { _ in self.hasEnded() }
            self.output?.source = try self.room.loop.add(self.ends.output.rawValue) { _ in
                self.readOutput(Self.readsPerTurn)
            }
            try self.start?.begin()
            if let control = self.control {
                self.control?.source = try self.room.loop.add(control.descriptor.rawValue) { _ in self.readControl() }
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
            self.facts.service = AppProcessFacts.Service(
                transport: AppTransportKind(self.plan.program.transport, readsFramedBodies: readsFramedBodies),
                address: address ?? .unix(path: self.facts.socketPath),
                concurrency: concurrency
            )
            // What the next daemon does not know of it then, it can do without.
            try? self.ends.records?.add(self.facts)
            self.report(.ready(self.facts, start.record))
            self.take(start.takeRest(), at: start.now)
        case .failed(let failure, let mayTryAnotherPort):
            guard self.life.startFailed() == .tellAndEnd else { return }
            self.start = nil
            // What it printed about it is on its way already.
            self.readOutput(Self.readsAtExit)
            self.ends.ender.endAll()
            let failed = StartFailure(
                failure: failure,
                output: self.lines.tail.text,
                record: start.record,
                mayTryAnotherPort: mayTryAnotherPort
            )
            self.report(.failed(failed))
        }
    }

    // MARK: The control channel

    private func readControl() {
        self.start?.catchUpWithLaunch()
        guard let control = self.control else { return }
        switch try? Transfers.read(control.descriptor.rawValue, into: self.room.chunk) {
        case .bytes(let count):
            let bytes = UnsafeRawBufferPointer(rebasing: self.room.chunk[..<count])
            if let start = self.start { start.received(bytes) } else { self.take(bytes, at: self.plan.clock.now) }
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

    private func closeControl() {
        if let source = self.control?.source { self.room.loop.remove(source) }
        self.control = nil
    }

    // MARK: Output

    private func readOutput(_ reads: Int) {
        for _ in 0..<reads {
            guard let output = self.output else { return }
            switch try? Transfers.read(output.descriptor.rawValue, into: self.room.chunk) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: self.room.chunk[..<count])
                self.lines.received(bytes, at: self.plan.clock.now) { self.log($0) }
                // A short read has emptied the pipe.
                if count < self.room.chunk.count { return }
            case .wouldBlock: return
            case .endOfStream, nil: self.closeOutput()
            }
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
        if self.life.outputClosed() == .forget { self.room.forget(self) }
    }

    // MARK: End

    func terminate() { self.perform(self.life.terminate()) }
    func kill() { self.perform(self.life.kill()) }

    private func perform(_ action: ProcessLife.EndAction) {
        switch action {
        case .nothing: return
        case .endAll: self.ends.ender.endAll()
        case .ask:
            // Programs with a loader see the end of file on their control channel; others get the usual signal.
            if self.control != nil {
                self.closeControl()
            } else {
                // Gone already: its pidfd tells next.
                _ = try? self.ends.handle.signal(.terminate)
            }
        }
    }

    private func hasEnded() {
        guard self.life.isRunning else { return }
        // In this order: what it said, what it printed, and only then that it is gone.
        if self.start != nil { self.readControl() }
        self.readOutput(Self.readsAtExit)
        // Before it is collected, while its number cannot be used again.
        self.ends.ender.endAll()
        // Somebody else collected it: then the kernel does not tell us how it ended.
        let status = (try? self.ends.handle.collect()).flatMap { $0 }
        if let source = self.exit { self.room.loop.remove(source) }
        self.start?.processEnded(status)
        let action = self.life.ended()
        self.closeControl()
        // The front may have removed nothing: the file is ours, in a directory of ours.
        try? Files.remove(self.facts.socketPath)
        self.ends.records?.remove(pid: self.facts.pid)
        if case .tell(let wasExpected) = action {
            self.report(.ended(status, wasExpected: wasExpected, lastOutput: self.lines.tail.text))
        }
        self.room.ended(self, keepsOutput: self.output != nil)
    }
}
