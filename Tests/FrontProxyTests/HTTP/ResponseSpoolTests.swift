// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import FrontProxy

/// What is stored for a slow client: order, and a bound on what waits in memory.
struct ResponseSpoolTests {
    private static let piece = 64 * 1024

    /// A spool on a loop of its own, driven from outside.
    private final class Bench {
        let directory: TestDirectory
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let threadPool = NIOThreadPool(numberOfThreads: 1)
        let state: NIOLoopBound<State>

        final class State {
            var spool: ResponseSpool?
            var reliefs = 0
            var failures: [String] = []
            var taken = ByteBuffer()
        }

        init(folder: String = "") throws {
            let directory = try TestDirectory()
            self.directory = directory
            self.threadPool.start()
            let (loop, threadPool, path) = (self.group.next(), self.threadPool, directory.path + folder)
            self.state = try loop.submit {
                let state = State()
                state.spool = ResponseSpool {
                    SpoolFile(directory: path, threadPool: threadPool, eventLoop: loop)
                } relieved: { [unowned state] in
                    state.reliefs += 1
                } failure: { [unowned state] failure in
                    state.failures.append(failure.description)
                }
                return NIOLoopBound(state, eventLoop: loop)
            }
            .wait()
        }

        func onLoop<Value: Sendable>(_ body: @escaping @Sendable (State) -> Value) throws -> Value {
            let state = self.state
            return try state.eventLoop.submit { body(state.value) }.wait()
        }

        deinit {
            self.group.shutdownGracefully { _ in }
            self.threadPool.shutdownGracefully { _ in }
            self.directory.remove()
        }
    }

    @Test func `much that waits to be written asks for a pause until it is`() throws {
        let bench = try Bench()
        let count = try bench.onLoop { state in
            var count = 0
            while let spool = state.spool, !spool.isCongested, count < 1000 {
                spool.append(ByteBuffer(repeating: UInt8(count & 0xFF), count: Self.piece))
                count += 1
            }
            return count
        }
        // A quarter of a megabyte of memory and one megabyte on its way to the file.
        #expect(count * Self.piece <= 3 * 512 * 1024)
        try eventually("the pause ends") { try bench.onLoop { $0.reliefs } == 1 }
        #expect(try bench.onLoop { $0.spool?.isCongested } == false)
        try eventually("everything is read") {
            try bench.onLoop { state in
                while var bytes = state.spool?.popMemory() { state.taken.writeBuffer(&bytes) }
                state.spool?
                    .readFile { bytes in
                        var bytes = bytes
                        state.taken.writeBuffer(&bytes)
                    }
                return state.spool?.isEmpty ?? false
            }
        }
        let taken = try bench.onLoop { $0.taken }
        #expect(taken.readableBytes == count * Self.piece)
        for index in 0..<count { #expect(taken.getInteger(at: index * Self.piece) == UInt8(index & 0xFF)) }
    }

    @Test func `a file read to its end is given up`() throws {
        let bench = try Bench()
        try bench.onLoop { state in
            for _ in 0..<12 { state.spool?.append(ByteBuffer(repeating: 1, count: Self.piece)) }
            while state.spool?.popMemory() != nil {}
        }
        #expect(try bench.onLoop { $0.spool?.holds(moreThan: 8 * Self.piece - 1) } == true)
        try eventually("everything is read") {
            try bench.onLoop { state in
                state.spool?.readFile { _ in }
                return state.spool?.isEmpty ?? false
            }
        }
        #expect(try bench.onLoop { $0.spool?.holds(moreThan: 0) } == false)
    }

    @Test func `a folder that cannot be written is told once, and names itself`() throws {
        let bench = try Bench(folder: "/missing")
        try bench.onLoop { state in
            for _ in 0..<12 { state.spool?.append(ByteBuffer(repeating: 1, count: Self.piece)) }
        }
        try eventually("the failure is told") { try !bench.onLoop { $0.failures }.isEmpty }
        let failures = try bench.onLoop { $0.failures }
        #expect(failures.count == 1 && failures.first?.contains("/missing: No such file") == true)
        #expect(try bench.onLoop { $0.spool?.isEmpty } == true)
    }
}
