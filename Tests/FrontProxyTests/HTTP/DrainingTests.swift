// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

struct DrainingTests {
    @Test func `a draining loop answers what comes, for the last time, and then reports`() throws {
        let path = try DataPath { .ok($0.path) }
        let client = try path.connect()
        #expect(try client.get("/1").header("connection") == nil)
        let isDrained = DrainNote()
        try path.onLoop { context in
            context.connectionsDrained = { isDrained.set() }
            context.beginDraining()
        }
        #expect(!isDrained.isSet)
        #expect(try client.get("/2").header("connection") == "close")
        #expect(try client.isClosed())
        try eventually("the loop is drained") { isDrained.isSet }
    }

    @Test func `a loop without connections is drained at once`() throws {
        let path = try DataPath { _ in nil }
        let isDrained = DrainNote()
        try path.onLoop { context in
            context.connectionsDrained = { isDrained.set() }
            context.beginDraining()
        }
        #expect(isDrained.isSet)
    }

    @Test func `closing all ends answers too`() throws {
        let path = try DataPath { _ in nil }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        try path.onLoop { $0.closeAll() }
        #expect(try client.isClosed())
    }
}

final class DrainNote: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { self.value.load(ordering: .relaxed) }
    func set() { self.value.store(true, ordering: .relaxed) }
}
