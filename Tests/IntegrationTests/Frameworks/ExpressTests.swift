// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// An Express application with `ws`, at the root of a host and below a prefix.
    @Suite(
        .enabled(if: FrameworkSite.hasNode("express", "ws"), "needs node-express and node-ws"),
        .timeLimit(.minutes(2))
    )
    struct ExpressTests {
        private static let settings = ["passenger_env_var NODE_PATH /usr/share/nodejs;"]

        private func pinNotices(_ visitor: FrameworkVisitor) throws {
            #expect(try visitor.get("/").member("visits") == "1")
            #expect(try visitor.post("/notices", [("text", "")]).status == 422)
            let pinned = try visitor.post("/notices", [("text", "flying & swimming")])
            #expect(pinned.status == 303 && pinned.header("location") == "\(visitor.prefix)/")
            let board = try visitor.follow(pinned)
            #expect(board.member("visits") == "2" && board.text.contains("flying & swimming"))
        }

        private func keepFiles(_ visitor: FrameworkVisitor) throws {
            let bytes = TestBytes.patterned(2_000_000)
            let path = "\(visitor.prefix)/files/picture.bin"
            let stored = try visitor.request("PUT", path, body: bytes)
            #expect(stored.status == 201 && stored.member("size") == "2000000")
            let whole = try visitor.request("GET", path)
            #expect(whole.body == bytes && whole.header("accept-ranges") == "bytes")
            let part = try visitor.request("GET", path, headers: "Range: bytes=10-19\r\n")
            #expect(part.status == 206 && part.body == Array(bytes[10..<20]))
            let tag = try #require(whole.header("etag"))
            #expect(try visitor.request("GET", path, headers: "If-None-Match: \(tag)\r\n").status == 304)
            #expect(try visitor.get("/files/nothing").status == 404)
            #expect(try visitor.get("/about.txt", headers: "Range: bytes=0-6\r\n").text == "Notices")
        }

        /// Server-sent events arrive one by one, while others use the same process.
        private func listen(_ visitor: FrameworkVisitor, _ site: Site) throws {
            let listener = try HTTPConnection(port: site.port)
            try listener.send("GET \(visitor.prefix)/events HTTP/1.1\r\nHost: \(visitor.host)\r\n\r\n")
            #expect(try listener.readResponse(toHead: true).header("content-type") == "text/event-stream")
            let welcome = "b\r\n: welcome\n\n\r\n"
            #expect(String(decoding: try listener.read(welcome.utf8.count), as: UTF8.self) == welcome)
            for text in ["one", "two"] {
                #expect(try visitor.post("/notices", [("text", text)]).status == 303)
                let event = "b\r\ndata: \(text)\n\n\r\n"
                #expect(String(decoding: try listener.read(event.utf8.count), as: UTF8.self) == event)
            }
        }

        private func chat(_ visitor: FrameworkVisitor, _ site: Site) throws {
            let path = "\(visitor.prefix)/chat"
            let first = try WebSocketClient(port: site.port, host: visitor.host, path: path)
            #expect(try first.read() == "welcome at \(path)")
            let second = try WebSocketClient(port: site.port, host: visitor.host, path: path)
            #expect(try second.read() == "welcome at \(path)")
            try first.send("hello")
            #expect(try first.read() == "said: hello")
            #expect(try second.read() == "said: hello")
            try first.close()
            try second.send("alone")
            #expect(try second.read() == "said: alone")
            try second.close()
        }

        @Test func `sessions, uploads, events and WebSockets work at the root and below a prefix`() throws {
            let express = try FrameworkSite("express", settings: Self.settings)
            for visitor in express.visitors() {
                let pid = try visitor.get("/facts").member("pid")
                try pinNotices(visitor)
                try keepFiles(visitor)
                try listen(visitor, express.site)
                try chat(visitor, express.site)

                let secure = try visitor.get(
                    "/facts",
                    headers: "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n"
                )
                #expect(secure.member("secure") == "true" && secure.member("client") == "192.0.2.1")
                #expect(secure.member("link") == "https://express.localhost\(visitor.prefix)/")
                #expect(secure.member("prefix") == visitor.prefix && secure.member("path") == "/facts")

                for path in ["/fail", "/fail-later"] {
                    let failed = try visitor.get(path)
                    #expect(failed.status == 500 && failed.text.contains("Internal Server Error"), "\(path)")
                }
                let missing = try visitor.get("/nowhere")
                #expect(missing.status == 404 && missing.text.contains("Cannot GET \(visitor.prefix)/nowhere"))
                #expect(try visitor.get("/facts").member("pid") == pid, "the process goes on")
            }
            try eventually("the application to see that its listeners left") {
                express.site.log().pieces(between: "a listener left").count == 3
            }
            #expect(express.site.log().contains("Error: this page always fails"))
        }
    }
}
