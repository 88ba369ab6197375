// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import NIOCore
import WireProtocol

/// What processes share on the watcher's thread: the loop, room to read into, and turns.
///
/// Ends, launches and words of a start are read in the event that announces them. What may be a flood waits for its turn:
/// a few kilobytes of one process after the other, as long as a turn lasts, and none of a process that has had its share
/// (`TurnShares`) until a later period. Confined to that thread.
final class WatchRoom {
    private static let chunkBytes = 64 * 1024
    /// Output pipes that outlive their process, kept for descendants; beyond, one is closed.
    private static let maxOrphanedOutputs = 64
    /// After so many nanoseconds of turns the loop looks for other events.
    private static let turnTime: UInt64 = 1_000_000

    let loop: EpollLoop
    let sink: AppWatcher.OutputSink
    /// For one read at a time.
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 16)
    private var processes: [ProcessID: WatchedProcess] = [:]
    /// Two tries of one spawn have the same number, and only one of them is found by it.
    private var uncollected = 0
    /// The loop goes on as long as a process is not collected.
    private var isEnding = false
    private var orphanedOutputs: [WatchedProcess] = []
    private var queue: CircularBuffer<WatchedProcess> = []
    private var shares = TurnShares()
    private var paused: [TurnShares.ID: WatchedProcess] = [:]
    private var resumption: EpollLoop.Timer?

    init(_ loop: EpollLoop, sink: @escaping AppWatcher.OutputSink) {
        self.loop = loop
        self.sink = sink
        loop.turnEnded = { [unowned self] in self.giveTurns() }
    }

    deinit { self.chunk.deallocate() }

    // MARK: Processes

    /// Nil: unknown, or it has ended.
    func process(_ id: ProcessID) -> WatchedProcess? { self.processes[id] }

    func add(_ process: WatchedProcess) {
        self.processes[process.facts.id] = process
        self.uncollected += 1
    }

    func newShare() -> TurnShares.ID { self.shares.newID() }

    /// Its status was collected; descendants may still write.
    func ended(_ process: WatchedProcess, keepsOutput: Bool) {
        // Another try of the same spawn may have the number by now.
        if self.processes[process.facts.id] === process { self.processes[process.facts.id] = nil }
        self.uncollected -= 1
        defer { self.stopIfDone() }
        guard keepsOutput else { return self.leave(process) }
        self.orphanedOutputs.append(process)
        guard self.orphanedOutputs.count > Self.maxOrphanedOutputs,
            let surplus = Self.surplus(among: self.orphanedOutputs.map(\.facts.uid))
        else { return }
        self.orphanedOutputs[surplus].closeOutput()
    }

    /// The oldest one of the user who has most of them: whoever writes to it gets an error, which nobody else is to have.
    static func surplus(among users: [UInt32]) -> Int? {
        let counts = Dictionary(users.map { ($0, 1) }, uniquingKeysWith: +)
        let most = counts.values.max()
        return users.firstIndex { counts[$0] == most }
    }

    /// Ends what is left, and the loop with the last of it.
    func end() {
        self.isEnding = true
        for process in self.processes.values { process.kill() }
        self.stopIfDone()
    }

    private func stopIfDone() {
        if self.isEnding, self.uncollected == 0 { self.loop.stop() }
    }

    /// Nothing is left of it.
    func forget(_ process: WatchedProcess) {
        self.orphanedOutputs.removeAll { $0 === process }
        self.leave(process)
    }

    private func leave(_ process: WatchedProcess) {
        self.shares.remove(process.share)
        self.paused[process.share] = nil
    }

    // MARK: Turns

    /// The process is in the queue once at most.
    func enqueue(_ process: WatchedProcess) { self.queue.append(process) }

    /// True if there is more to read than this turn's time was enough for.
    private func giveTurns() -> Bool {
        guard !self.queue.isEmpty else { return false }
        let end = MonotonicClock.now + Self.turnTime
        // Of the processor: what a busy machine takes from this thread is nobody's fault.
        var used = ThreadClock.now
        while let process = self.queue.popFirst() {
            process.takeTurn()
            let before = used
            used = ThreadClock.now
            let now = MonotonicClock.now
            let hasHadItsShare = self.shares.charge(process.share, used - before, at: now)
            // An end is told in time: its last words are few, and paid for later if others go on writing.
            if hasHadItsShare, !process.isReadingLastWords { self.pause(process) }
            if now >= end { break }
        }
        return !self.queue.isEmpty
    }

    private func pause(_ process: WatchedProcess) {
        guard self.paused.updateValue(process, forKey: process.share) == nil else { return }
        process.pause()
        self.scheduleResumption()
    }

    private func scheduleResumption() {
        guard self.resumption == nil, let moment = self.shares.nextResumption else { return }
        self.resumption = self.loop.schedule(at: moment) { [unowned self] in
            self.resumption = nil
            for id in self.shares.periodEnded(at: MonotonicClock.now) {
                self.paused.removeValue(forKey: id)?.resume()
            }
            self.scheduleResumption()
        }
    }
}
