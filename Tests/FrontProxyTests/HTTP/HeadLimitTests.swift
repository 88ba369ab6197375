// SPDX-License-Identifier: MIT

import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

/// Heads of every size are answered: by an app, or with the limit that they exceed.
struct HeadLimitTests {
    private static let sizes = [60_000, 65_536, 70_000, 126_000, 131_072, 132_000, 262_144, 1_000_000]

    @Test(arguments: sizes) func `a large header section is served or refused at once`(_ size: Int) throws {
        let path = try DataPath { _ in .ok("fine") }
        let client = try path.connect()
        // The client may be cut off while it still sends.
        try? client.send(
            "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: " + String(repeating: "x", count: size) + "\r\n\r\n"
        )
        let status = try client.readResponse().status
        #expect([200, 400, 431].contains(status))
        if size > 131_072 { #expect(status != 200) }
        if size < 60_001 { #expect(status == 200) }
    }

    @Test(arguments: sizes) func `so is a large target`(_ size: Int) throws {
        let path = try DataPath { _ in .ok("fine") }
        let client = try path.connect()
        try? client.send("GET /" + String(repeating: "x", count: size) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect([200, 414].contains(try client.readResponse().status))
    }

    @Test(arguments: [
        "GET /", "", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", "GET / HTTP/1.1\r\nHost: localhost\r\nX",
    ])
    func `one that never ends is refused without waiting for its end`(_ start: String) throws {
        let path = try DataPath { _ in .ok("fine") }
        let client = try path.connect()
        try? client.send(start + String(repeating: "x", count: 200_000))
        #expect([400, 414, 431, 501].contains(try client.readResponse().status))
    }

    @Test func `a large head behind a slow answer is read when its turn comes`() throws {
        let path = try DataPath { _ in nil }
        let client = try path.connect()
        try client.send("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the app is asked") { path.app.requests.withLock { $0.count } == 1 }
        try client.send(
            "GET /2 HTTP/1.1\r\nHost: localhost\r\nX: " + String(repeating: "x", count: 110_000)
                + "\r\nX-End: 1\r\n\r\n"
        )
        try eventually("the front waits") {
            try path.onLoop { ($0.openConnections.first?.heldBytes ?? 0) } > 64 * 1024
        }
        try path.app.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(try client.readResponse().status == 200)
        try eventually("the next one is asked for") { path.app.requests.withLock { $0.count } == 2 }
    }

    @Test(arguments: ["1;" + String(repeating: "x", count: 200_000), String(repeating: "1", count: 200_000)])
    func `a chunk line without end is refused`(_ line: String) throws {
        let path = try DataPath { _ in .ok("fine") }
        let client = try path.connect()
        try? client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + line)
        #expect([400, 413, 431].contains(try client.readResponse().status))
    }

    @Test func `trailers without end are refused`() throws {
        let path = try DataPath { _ in .ok("fine") }
        let client = try path.connect()
        let trailer = "X: " + String(repeating: "x", count: 300_000)
        try? client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + trailer)
        #expect([400, 431].contains(try client.readResponse().status))
    }
}
