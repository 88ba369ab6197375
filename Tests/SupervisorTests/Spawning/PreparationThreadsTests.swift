// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
import Synchronization
import TestSupport
import Testing

@testable import Supervisor

struct PreparationThreadsTests {
    /// What a thread waits for, as for a file system.
    private final class Gate: Sendable {
        private let pipe = Mutex<(read: SharedDescriptor, write: SharedDescriptor)?>(nil)

        init() throws {
            var ends = try Pipe.make()
            guard let read = ends.takeReadEnd(), let write = ends.takeWriteEnd() else {
                throw SystemError(call: "pipe2", code: 0)
            }
            let (reader, writer) = (SharedDescriptor(read), SharedDescriptor(write))
            self.pipe.withLock { $0 = (reader, writer) }
        }

        func wait() {
            guard let reader = self.pipe.withLock({ $0?.read }) else { return }
            // A byte lets one of them through; a pipe that cannot be read lets all through, and the test fails.
            _ = try? reader.descriptor.readSome(limit: 1)
        }

        func open() throws {
            try self.pipe.withLock { $0?.write }?.descriptor.writeAll("xxxxxxxxxx")
        }
    }

    private func problem(_ answer: PreparationThreads.Answer) -> SpawnFailure.Cause? {
        if case .refused(let problem) = answer { problem } else { nil }
    }

    @Test func `an app root that hangs holds no thread but its own, and gets no more of them`() throws {
        let threads = PreparationThreads(hangsAfter: .milliseconds(50))
        let gate = try Gate()
        #expect(self.problem(threads.run(appRoot: "/hangs") { gate.wait() }) == nil)
        // As long as it may only be slow, others of the same root are started too.
        try eventually("the root to count as hanging") {
            self.problem(threads.run(appRoot: "/hangs") { gate.wait() })?.kind == .timeout
        }
        let problem = try #require(self.problem(threads.run(appRoot: "/hangs") {}))
        #expect(problem.summary.hasPrefix("the app root /hangs could not be looked at: an earlier look has waited for"))
        let ran = Mutex(0)
        for number in 0..<20 {
            #expect(self.problem(threads.run(appRoot: "/well\(number)") { ran.withLock { $0 += 1 } }) == nil)
        }
        try eventually("the others to run") { ran.withLock { $0 } == 20 }
        for _ in 0..<20 { try gate.open() }
        try eventually("the root to be free again") {
            self.problem(threads.run(appRoot: "/hangs") { ran.withLock { $0 += 1 } }) == nil
        }
        try eventually("it to run") { ran.withLock { $0 } == 21 }
    }

    @Test func `there is a limit to hanging threads`() throws {
        let threads = PreparationThreads()
        let gate = try Gate()
        var refused: SpawnFailure.Cause?
        for number in 0..<600 where refused == nil {
            refused = self.problem(threads.run(appRoot: "/root\(number)") { gate.wait() })
        }
        #expect(refused?.kind == .resources)
        for _ in 0..<60 { try gate.open() }
        try eventually("room again") { self.problem(threads.run(appRoot: "/other") {}) == nil }
    }
}
