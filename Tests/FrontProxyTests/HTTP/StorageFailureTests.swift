// SPDX-License-Identifier: MIT

import FrontConfiguration
import Synchronization
import TestSupport
import Testing

@testable import FrontProxy

/// A disk that takes nothing, and what becomes of requests meanwhile and afterwards.
struct StorageFailureTests {
    /// Bodies go to a folder that does not exist.
    private static func path() throws -> DataPath {
        try DataPath(changeModel: { $0.dataBufferDirectory = $0.dataBufferDirectory.map { "\($0)/buffers" } }) {
            request in
            request.path == "/large"
                ? StubReply(
                    bytes: Array("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n".utf8)
                        + [UInt8](repeating: 1, count: 8_000_000)
                )
                : .ok("\(request.body.count)")
        }
    }

    @Test(arguments: ["Content-Length: 3000000", "Transfer-Encoding: chunked"])
    func `a body that cannot be stored gives 500, the next one after the repair is served`(_ framing: String) throws {
        let path = try Self.path()
        let body = [UInt8](repeating: 1, count: 3_000_000)
        func upload() throws -> HTTPResponse {
            let client = try path.connect()
            try client.send("PUT / HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\r\n")
            if framing.hasPrefix("T") { try client.send("2dc6c0\r\n") }
            // A client that is refused early may find its connection closed.
            try? client.send(body)
            if framing.hasPrefix("T") { try? client.send("\r\n0\r\n\r\n") }
            return try client.readResponse()
        }
        let refused = try upload()
        #expect(refused.status == 500 && refused.header("connection") == "close")
        #expect(path.notes.checkouts.load(ordering: .relaxed) == 0)
        try path.directory.write("", to: "buffers/.keep")
        #expect(try upload().text == "3000000")
    }

    @Test func `an answer that cannot be stored is cut off, and its session given back`() throws {
        let path = try Self.path()
        let client = try path.connect()
        try client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        // Nothing is read until the front has given up.
        try eventually("the session is given back, or left to the daemon") {
            path.notes.released + path.notes.abandoned.load(ordering: .relaxed) == 1
        }
        try eventually("the front has closed") { try path.onLoop { $0.connectionCount } == 0 }
        #expect((try? client.readToEnd().count) ?? 0 < 8_000_000)
        let other = try path.connect()
        #expect(try other.get("/").status == 200)
    }
}
