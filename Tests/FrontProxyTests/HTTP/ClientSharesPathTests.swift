// SPDX-License-Identifier: MIT

import FrontConfiguration
import NIOCore
import TestSupport
import Testing

@testable import FrontProxy

/// Many connections of one client that each keep within their own limits.
struct ClientSharesPathTests {
    private static let head = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + String(repeating: "x", count: 60_000)

    /// Room for so much of all clients together.
    private static func shares(memory: Int = 64 << 20, files: Int = 64 << 20) -> ClientShares {
        var limits = ClientShares.Limits()
        limits.memory = memory
        limits.files = files
        return ClientShares(limits)
    }

    @Test func `heads that are not complete have a bound together, and are all forgotten`() throws {
        let shares = Self.shares(memory: 256 * 1024)
        let path = try DataPath(shares: shares) { _ in .ok("fine") }
        var slow = try (1...4).map { _ in
            let client = try path.connect()
            try client.send(Self.head)
            return client
        }
        try eventually("all heads are counted") { shares.used(in: .memory) == 256 * 1024 }
        let next = try path.connect()
        try next.send(Self.head)
        let refused = try next.readResponse()
        #expect(refused.status == 503 && refused.header("retry-after") == "1")
        // Short ones are as welcome as ever.
        #expect(try path.connect().get("/").status == 200)
        try slow[0].send("\r\n\r\n")
        #expect(try slow[0].readResponse().status == 200)
        #expect(shares.used(in: .memory) == 3 * 64 * 1024)
        slow.removeAll()
        try eventually("nothing is counted any more") { shares.used(in: .memory) == 0 }
    }

    @Test func `a body that memory has no share for goes to a file, one that files have none for is refused`() throws {
        let shares = Self.shares(memory: 0, files: 1 << 20)
        let path = try DataPath(shares: shares) { request in .ok("\(request.body.count)") }
        func upload(_ count: Int) throws -> HTTPResponse {
            let client = try path.connect()
            try client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(count)\r\n\r\n")
            // A client that is refused early may find its connection closed.
            try? client.send([UInt8](repeating: 1, count: count))
            return try client.readResponse()
        }
        #expect(try upload(100_000).text == "100000")
        #expect(try upload(1_000_000).text == "1000000")
        #expect(try upload(3_000_000).status == 503)
        try eventually("nothing is counted any more") { shares.used(in: .files) == 0 }
        #expect(shares.used(in: .memory) == 0)
        #expect(try upload(1_000_000).text == "1000000")
    }

    @Test func `an answer that there is no room for waits with the app, and comes whole`() throws {
        let shares = Self.shares(memory: 0, files: 512 * 1024)
        let size = 20_000_000
        let path = try DataPath(sendBuffer: 4096, shares: shares) { _ in
            .ok(String(repeating: "x", count: size))
        }
        let client = try path.connect()
        try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try eventually("the share is used up") { shares.used(in: .files) > 400 * 1024 }
        _ = try path.wait(.milliseconds(200))
        #expect(shares.used(in: .files) <= 512 * 1024)
        // The app has not been read to its end.
        #expect(path.notes.released == 0)
        #expect(try client.readResponse().body.count == size)
        try eventually("nothing is counted any more") { shares.used(in: .files) == 0 }
    }
}
