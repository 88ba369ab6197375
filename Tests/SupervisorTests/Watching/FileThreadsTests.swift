// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Testing

@testable import Supervisor

struct FileThreadsTests {
    @Test func `the answer comes back on the loop`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let isOnLoop = try await loop.flatSubmit {
            let promise = loop.makePromise(of: [Bool].self)
            let threads = FileThreads(eventLoop: loop)
            let isStarted = threads.run {
                loop.inEventLoop
            } completion: { wasOnLoop in
                // Keeps the threads alive until their work is done.
                _ = threads
                promise.succeed([wasOnLoop, loop.inEventLoop])
            }
            if !isStarted { promise.succeed([]) }
            return promise.futureResult
        }.get()
        #expect(isOnLoop == [false, true])
        try await group.shutdownGracefully()
    }
}
