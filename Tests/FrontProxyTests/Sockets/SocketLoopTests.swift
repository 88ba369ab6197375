// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

struct SocketLoopTests {
    private let loop: SocketLoop

    init() throws { loop = try SocketLoop { error in fatalError("\(error)") } }

    @Test func `tasks run on its thread, in the order in which they came`() throws {
        let order = Mutex<[Int]>([])
        for number in 0..<100 { loop.execute { order.withLock { $0.append(number) } } }
        let isInside = try loop.submit { loop.inEventLoop }.wait()
        #expect(isInside && !loop.inEventLoop)
        #expect(order.withLock { $0 } == Array(0..<100))
    }

    @Test func `what a task adds runs after those that are there`() throws {
        let order = Mutex<[String]>([])
        let note: @Sendable (String) -> Void = { name in order.withLock { $0.append(name) } }
        try loop.submit {
            loop.execute {
                note("first")
                loop.execute { note("third") }
            }
            loop.afterTurn { note("second") }
            note("now")
        }
        .wait()
        try eventually("all") { order.withLock { $0 } == ["now", "first", "second", "third"] }
    }

    @Test func `timers run when it is time, unless they are cancelled before`() throws {
        let late = loop.scheduleTask(in: .milliseconds(20)) { "late" }
        let soon = loop.scheduleTask(deadline: .now()) { "soon" }
        let never = loop.scheduleTask(in: .milliseconds(10)) { "never" }
        never.cancel()
        #expect(try soon.futureResult.wait() == "soon")
        #expect(throws: EventLoopError.cancelled) { try never.futureResult.wait() }
        #expect(try late.futureResult.wait() == "late")
    }

    @Test func `whoever waits for a timer of a loop that is stopped hears of that`() throws {
        let far = loop.scheduleTask(in: .hours(1)) {}
        loop.shutdownGracefully { _ in }
        #expect(throws: EventLoopError.shutdown) { try far.futureResult.wait() }
    }
}
