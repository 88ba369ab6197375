// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// Reads how much memory processes use, where nobody has to wait for it.
///
/// The kernel walks all pages of a process for it: a second for a hundred gigabytes that cost their owner nothing. So all
/// processes of a user are read one after the other on a thread that is theirs, and no oftener than costs a few hundredths of
/// a processor; a status takes what is there, and waits for news a tenth of a second. Confined to its loop.
final class MemorySampler {
    struct Reading: Equatable, Sendable {
        /// nil: the process may not be looked at, or is gone.
        let use: MemoryUse?
        /// Nanoseconds of `MonotonicClock`.
        let time: UInt64
    }

    struct Subject: Sendable {
        let id: ProcessID
        let pid: Int32
        let uid: UInt32
    }

    private struct Entry {
        var reading: Reading?
        var isWanted = false
        /// It is not read again before.
        var restsUntil: UInt64 = 0
    }

    /// How long a status waits for readings that are under way.
    static let patience = TimeAmount.milliseconds(100)
    /// A reading of this age is as good as a new one.
    private static let freshness: UInt64 = 1_000_000_000
    /// So many times as long as a reading took, and as there are others of its user, it is not made again.
    private static let restFactor: UInt64 = 50
    /// Users whose processes are read at the same time.
    private static let threadLimit = 8

    private let eventLoop: any EventLoop
    private let read: @Sendable (Int32) -> MemoryUse?
    private var entries: [ProcessID: Entry] = [:]
    /// What each user's thread still has to read; a user without a thread has no entry.
    private var queues: [UInt32: [Subject]] = [:]
    /// Statuses that wait for readings, by number.
    private var waiting: [UInt64: (left: Set<ProcessID>, promise: EventLoopPromise<Void>)] = [:]
    private var lastWait: UInt64 = 0

    /// `read` looks at a PID, on a thread.
    init(eventLoop: any EventLoop, read: @escaping @Sendable (Int32) -> MemoryUse? = { MemoryUse(pid: $0) }) {
        self.eventLoop = eventLoop
        self.read = read
    }

    /// Has the processes read that were not for a while; ends when they are, or after `patience`.
    func refresh(_ subjects: [Subject], at now: UInt64 = MonotonicClock.now) -> EventLoopFuture<Void> {
        var left: Set<ProcessID> = []
        for subject in subjects {
            var entry = self.entries[subject.id] ?? Entry()
            if !entry.isWanted, entry.restsUntil <= now, self.enqueue(subject) { entry.isWanted = true }
            if entry.isWanted { left.insert(subject.id) }
            self.entries[subject.id] = entry
        }
        guard !left.isEmpty else { return self.eventLoop.makeSucceededVoidFuture() }
        let promise = self.eventLoop.makePromise(of: Void.self)
        self.lastWait += 1
        let number = self.lastWait
        self.waiting[number] = (left, promise)
        let timer = self.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
            self.waiting.removeValue(forKey: number)?.promise.succeed()
        }
        promise.futureResult.assumeIsolated().whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    func reading(of id: ProcessID) -> Reading? { self.entries[id]?.reading }

    /// Forgets processes that are no more.
    func keep(where isThere: (ProcessID) -> Bool) { self.entries = self.entries.filter { isThere($0.key) } }

    var count: Int { self.entries.count }

    // MARK: Threads

    private func enqueue(_ subject: Subject) -> Bool {
        if self.queues[subject.uid] != nil {
            self.queues[subject.uid]?.append(subject)
            return true
        }
        guard self.queues.count < Self.threadLimit else { return false }
        self.queues[subject.uid] = []
        return self.start(subject)
    }

    /// One thread for each reading: they are rare, and none of them is left when nobody asks.
    private func start(_ subject: Subject) -> Bool {
        let (loop, read) = (self.eventLoop, self.read)
        let sampler = NIOLoopBound(self, eventLoop: loop)
        do throws(SystemError) {
            try OSThread.startDetached(name: "memory-look") {
                let start = MonotonicClock.now
                let use = read(subject.pid)
                let end = MonotonicClock.now
                loop.execute {
                    let reading = Reading(use: use, time: end)
                    sampler.value.finished(subject, reading, took: end - start)
                }
            }
            return true
        } catch {
            self.queues[subject.uid] = nil
            return false
        }
    }

    private func finished(_ subject: Subject, _ reading: Reading, took time: UInt64) {
        // What one of them costs, each of the others may cost, too.
        let others = UInt64((self.queues[subject.uid]?.count ?? 0) + 1)
        let rest = time.multipliedReportingOverflow(by: Self.restFactor * others).partialValue
        if self.entries[subject.id] != nil {
            let until = reading.time.addingReportingOverflow(max(Self.freshness, rest)).partialValue
            self.entries[subject.id] = Entry(reading: reading, restsUntil: until)
        }
        self.settle(subject.id)
        self.next(of: subject.uid)
    }

    private func next(of uid: UInt32) {
        guard var queue = self.queues[uid], !queue.isEmpty else {
            self.queues[uid] = nil
            return
        }
        let subject = queue.removeFirst()
        self.queues[uid] = queue
        guard !self.start(subject) else { return }
        for unread in [subject] + queue {
            self.entries[unread.id]?.isWanted = false
            self.settle(unread.id)
        }
    }

    private func settle(_ id: ProcessID) {
        for number in Array(self.waiting.keys) {
            self.waiting[number]?.left.remove(id)
            if self.waiting[number]?.left.isEmpty == true {
                self.waiting.removeValue(forKey: number)?.promise.succeed()
            }
        }
    }
}
