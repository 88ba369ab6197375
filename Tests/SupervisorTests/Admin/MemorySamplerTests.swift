// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

/// Processes whose memory takes as long to read as a test wants.
private final class SlowProcesses: Sendable {
    private struct State: Sendable {
        var held: Set<Int32> = []
        var reads: [Int32: Int] = [:]
    }

    private let state = Mutex(State())

    func hold(_ pid: Int32) { self.state.withLock { _ = $0.held.insert(pid) } }
    func letGo(_ pid: Int32) { self.state.withLock { _ = $0.held.remove(pid) } }
    func reads(of pid: Int32) -> Int { self.state.withLock { $0.reads[pid] ?? 0 } }

    /// As much as a thousand times its PID, in kilobytes.
    func read(_ pid: Int32) -> MemoryUse? {
        self.state.withLock { $0.reads[pid, default: 0] += 1 }
        while self.state.withLock({ $0.held.contains(pid) }) { Pause.wait(.milliseconds(1)) }
        let bytes = UInt64(pid) * 1000 * 1024
        return MemoryUse(
            privateBytes: bytes,
            sharedBytes: 0,
            proportionalBytes: bytes,
            writtenBytes: bytes,
            writtenPartBytes: bytes
        )
    }
}

struct MemorySamplerTests {
    private let processes = SlowProcesses()
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let sampler: NIOLoopBound<MemorySampler>

    init() throws {
        let (loop, processes) = (self.loop, self.processes)
        self.sampler = try loop.submit {
            NIOLoopBound(MemorySampler(eventLoop: loop, read: { processes.read($0) }), eventLoop: loop)
        }.wait()
    }

    private func subject(_ pid: Int32, of uid: UInt32) -> MemorySampler.Subject {
        .init(id: ProcessID(rawValue: UInt64(pid)), pid: pid, uid: uid)
    }

    private func refresh(_ subjects: MemorySampler.Subject..., at now: UInt64 = MonotonicClock.now) throws {
        let sampler = self.sampler
        try self.loop.flatSubmit { sampler.value.refresh(subjects, at: now) }.wait()
    }

    private func kilobytes(_ pid: Int32) throws -> UInt64? {
        let sampler = self.sampler
        return try self.loop.submit {
            sampler.value.reading(of: ProcessID(rawValue: UInt64(pid)))?.use.map { $0.privateBytes / 1024 }
        }.wait()
    }

    @Test func `who asks gets what is new`() throws {
        try self.refresh(self.subject(1, of: 7), self.subject(2, of: 7), self.subject(3, of: 8))
        #expect(try [1, 2, 3].map { try self.kilobytes($0) } == [1000, 2000, 3000])
    }

    @Test func `a process that takes long keeps nobody waiting but those of its user`() throws {
        self.processes.hold(1)
        let start = MonotonicClock.now
        try self.refresh(self.subject(1, of: 7), self.subject(2, of: 7), self.subject(3, of: 8))
        #expect(MonotonicClock.now - start < 2_000_000_000)
        #expect(try self.kilobytes(1) == nil)
        #expect(try self.kilobytes(3) == 3000)
        for _ in 0..<3 { try self.refresh(self.subject(1, of: 7)) }
        #expect(self.processes.reads(of: 1) == 1, "it is read once at a time")
        self.processes.letGo(1)
        try eventually("its reading") { try self.kilobytes(1) == 1000 && self.kilobytes(2) == 2000 }
    }

    @Test func `what is new enough is not read again, and what took long rests`() throws {
        try self.refresh(self.subject(1, of: 7))
        try self.refresh(self.subject(1, of: 7))
        #expect(self.processes.reads(of: 1) == 1)
        let later = MonotonicClock.now + 1_500_000_000
        try self.refresh(self.subject(1, of: 7), at: later)
        #expect(self.processes.reads(of: 1) == 2)
        self.processes.hold(1)
        try self.refresh(self.subject(1, of: 7), at: later + 1_500_000_000)
        self.processes.letGo(1)
        try eventually("the slow reading") { try self.kilobytes(1) != nil && self.processes.reads(of: 1) == 3 }
        try self.refresh(self.subject(1, of: 7), at: later + 3_000_000_000)
        // It took a tenth of a second at least: five seconds of rest.
        #expect(self.processes.reads(of: 1) == 3)
    }

    @Test func `processes that are gone are forgotten`() throws {
        try self.refresh(self.subject(1, of: 7), self.subject(2, of: 7))
        let sampler = self.sampler
        let left = try self.loop.submit {
            sampler.value.keep { $0.rawValue == 2 }
            return sampler.value.count
        }.wait()
        #expect(left == 1)
    }
}
