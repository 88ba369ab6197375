// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Every message of ASGI through the real programs: in order, out of order, too late.
    @Suite(.timeLimit(.minutes(1)))
    struct ASGITests {
        private let site: Site

        init() throws {
            let owner = Integration.owner(0)
            site = try Site(apps: [], httpSettings: ["passenger_max_instances 1;"])
            try site.add(.init("asgi", from: "asgi-answers", owner: owner))
            try site.add(
                .init("streams", from: "asgi-answers", owner: owner, settings: ["passenger_request_buffering off;"])
            )
            let root = site.root(of: "both")
            let below = [
                "location /base {", "alias \(root)/public;", "passenger_app_root \(root);", "passenger_base_uri /base;",
                "passenger_app_group_name below;", "passenger_enabled on;", "}",
            ]
            try site.add(.init("both", from: "asgi-answers", owner: owner, settings: below))
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
        }

        private typealias Row = AnswerRow

        private static let failure = "Internal Server Error\n"

        private static let rows: [Row] = [
            Row("/"), Row("/empty", 200, ""), Row("/bytearray"), Row("/bare", 404), Row("/parts", 200, "onetwothree"),
            Row("/declared", 200, "abcd"), Row("/own-coding", 200, "ab"), Row("/closes"), Row("/no-content", 204, ""),
            Row("/not-modified", 304, ""), Row("/odd-status", 999), Row("/repeated"), Row("/late"),
            Row("/body-first", 200, "RuntimeError"), Row("/start-twice", 200, "RuntimeError"),
            Row("/start-within", 200, "begun RuntimeError"), Row("/unknown", 200, "RuntimeError"),
            Row("/no-type", 200, "KeyError"), Row("/websocket-message", 200, "RuntimeError"),
            Row("/status-below", 200, "ValueError"), Row("/status-text", 200, "ValueError"),
            Row("/header-text", 200, "TypeError"), Row("/header-break", 200, "ValueError"),
            Row("/header-name", 200, "ValueError"), Row("/header-none", 200, "TypeError"),
            Row("/hint-late", 200, "RuntimeError"), Row("/hint-text", 200, "ValueError"),
            Row("/length-text", 200, "ValueError"), Row("/body-text", 200, "TypeError"),
            Row("/too-much", 500, failure), Row("/too-little", 500, failure), Row("/nothing", 500, failure),
            Row("/only-start", 500, failure), Row("/raises", 500, failure), Row("/raises-after-start", 500, failure),
            Row("/exit", 500, failure), Row("/cancels", 500, failure), Row("/nowhere", 500, failure),
        ]

        private func notes() throws -> String { try site.get("asgi", "/notes").text }

        private func expectNote(_ text: String) throws {
            try eventually("the note \(text)") { try notes().contains(text) }
        }

        @Test func `each answer is taken, or refused with an error that the application sees, and the process goes on`()
            throws
        {
            #expect(try site.get("asgi").text == "ok")
            let pids = try site.processes(of: "asgi").map(\.pid)
            for row in Self.rows {
                let response = try site.get("asgi", row.path)
                #expect(response.status == row.status && response.text == row.body, "\(row.path): \(response.text)")
            }
            for path in ["/raises-within", "/ends-within", "/cut-short"] {
                #expect(throws: HTTPConnection.Failure.self, "\(path) looks complete") { try site.get("asgi", path) }
            }
            let head = try HTTPConnection(port: site.port)
            try head.send("HEAD /parts HTTP/1.1\r\nHost: asgi.localhost\r\n\r\n")
            #expect(try head.readResponse(toHead: true).status == 200)
            try head.send("GET / HTTP/1.1\r\nHost: asgi.localhost\r\n\r\n")
            #expect(try head.readResponse().text == "ok", "no byte of a body follows the answer to HEAD")
            #expect(try site.get("asgi", "/").header("content-length") == "2")
            try head.send("GET /hints HTTP/1.1\r\nHost: asgi.localhost\r\n\r\n")
            let hints = try head.readResponse(toHead: true)
            #expect(hints.status == 103 && hints.header("link") == "</a.css>; rel=preload")
            #expect(try head.readResponse().text == "ok")
            try expectNote(#""late": ["RuntimeError", "RuntimeError", "http.disconnect"]"#)
            #expect(try site.processes(of: "asgi").map(\.pid) == pids)
            let log = site.log()
            let nothing = "GET /nothing: the application returned, and its answer is before http.response.start"
            #expect(log.contains(nothing))
            #expect(log.contains("ValueError: raised on purpose") && log.contains("SystemExit: 3"))
        }

        @Test func `bodies come in parts or stay unread, and the scope says what the front has decided`() throws {
            let client = try HTTPConnection(port: site.port)
            let head = "Host: streams.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            for size in [0, 5, 3_000_000] {
                let chunk = String(size, radix: 16) + "\r\n" + String(repeating: "x", count: size) + "\r\n"
                try client.send("PUT /upload HTTP/1.1\r\n\(head)\(size == 0 ? "" : chunk)0\r\n\r\n")
                let text = try client.readResponse().text
                #expect(text.hasPrefix("\(size) "), "\(text)")
            }
            try client.send("PUT /unread HTTP/1.1\r\n\(head)5\r\nhello\r\n0\r\n\r\n")
            #expect(try client.readResponse().text == "ok")
            try HTTPConnection(port: site.port).send("PUT /upload HTTP/1.1\r\n\(head)5\r\nhello\r\n5\r\nwo")
            try eventually("the application to see that the body broke off") {
                try site.get("streams", "/notes").text.contains(#""torn": "#)
            }
            try expectScope()
        }

        @Test func `work after the answer holds nobody up, and clients that leave are seen at once`() throws {
            #expect(try site.get("asgi", "/background").text == "early")
            #expect(try site.get("asgi", "/twice").text == "http.request [True, False]")
            #expect(!(try notes().contains("background")))
            #expect(try site.get("asgi", "/go").text == "ok")
            try expectNote(#""background": "done""#)
            try expectNote(#""twice": "http.disconnect""#)
            for path in ["/leaves", "/endless"] {
                let client = try HTTPConnection(port: site.port)
                try client.send("GET \(path) HTTP/1.1\r\nHost: asgi.localhost\r\n\r\n")
                _ = try client.readResponse(toHead: true)
            }
            try expectNote(#""leaves": "http.disconnect""#)
            // One that sends on and on holds nobody up.
            #expect(try site.get("asgi", "/stop").text == "ok")
            try expectNote(#""endless": "stopped""#)
            try eventually("the session to end") { try site.processes(of: "asgi").allSatisfy { $0.sessions == 0 } }
            // A process that takes one request at a time is waited for first.
            #expect(!(try TestFile.text(site.frontLog)).contains("answer that nobody waits for given up"))
        }

        private func expectScope() throws {
            let fields = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX: a\r\nX: b\r\n"
            let text = try site.get("both", "/base/facts?a=%20", headers: fields).text
            for part in [
                #""type": "http""#, #""http_version": "1.1""#, #""scheme": "https""#, #""path": "/base/facts""#,
                #""raw_path": "/base/facts""#, #""query_string": "a=%20""#, #""root_path": "/base""#,
                #""client": ["192.0.2.1", 0]"#, #""server": ["both.localhost", "#, #"["x", "a, b"]"#,
                #""state": {"shared": ["RuntimeError", "RuntimeError"]}"#, #""method": "GET""#, #""started": 2"#,
            ] {
                #expect(text.contains(part), "\(part): \(text)")
            }
            #expect(try site.get("both", "/facts").text.contains(#""root_path": """#))
            site.daemon?.stop()
            let log = site.log()
            #expect(log.pieces(between: "lifespan over: ['RuntimeError', 'RuntimeError']").count == 4)
            #expect(log.contains("the application failed to shut down: cannot close"))
            #expect(log.pieces(between: "cannot close").count == 2, "what is raised next is not said again")
        }

        // MARK: WebSockets

        private func upgrade(_ path: String, _ fields: String = "") throws -> HTTPConnection {
            let client = try HTTPConnection(port: site.port)
            // Key of the example in RFC 6455, section 1.3.
            let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            let head = "Host: asgi.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\(key)\(fields)"
            try client.send("GET \(path) HTTP/1.1\r\n\(head)\r\n")
            return client
        }

        /// A frame of a client; its mask changes nothing.
        private static func frame(_ first: UInt8, _ text: String = "") -> [UInt8] {
            [first, 0x80 | UInt8(text.utf8.count), 0, 0, 0, 0] + Array(text.utf8)
        }

        private func readFrame(_ client: HTTPConnection) throws -> (first: UInt8, bytes: [UInt8]) {
            let head = try client.read(2)
            return (head[0], try client.read(Int(head[1])))
        }

        /// What comes until the server closes, with a client that says goodbye then.
        private func talk(_ path: String, _ frames: [UInt8] = []) throws -> String {
            let client = try upgrade(path)
            guard try client.readResponse().status == 101 else { return "no upgrade" }
            try client.send(frames)
            var texts: [String] = []
            while true {
                let frame = try readFrame(client)
                guard frame.first == 0x88 else {
                    texts.append(String(decoding: frame.bytes, as: UTF8.self))
                    continue
                }
                texts.append(String(Int(frame.bytes[0]) << 8 | Int(frame.bytes[1])))
                texts.append(String(decoding: frame.bytes.dropFirst(2), as: UTF8.self))
                // A client that breaks the rules is not waited for.
                if frames.isEmpty { try client.send(Self.frame(0x88)) }
                #expect(try client.readToEnd().isEmpty)
                return texts.joined(separator: " ")
            }
        }

        @Test func `a WebSocket is accepted, refused or answered otherwise, and each message has its time`() throws {
            for (path, status, body) in [
                ("/refuse", 403, ""), ("/deny", 401, "denieddenied"), ("/raises-before", 500, Self.failure),
                ("/nothing", 500, Self.failure),
            ] {
                let response = try upgrade(path).readResponse()
                #expect(response.status == status && response.text == body, "\(path): \(response)")
            }
            #expect(try upgrade("/deny").readResponse().header("x-reason") == "who are you")
            #expect(try upgrade("/echo", "Sec-WebSocket-Key: short\r\n").readResponse().status == 400)
            #expect(try talk("/order") == "hello 4001 enough")
            #expect(try talk("/returns") == "hello 1000 ")
            #expect(try talk("/raises-open") == "hello 1011 ")
            let refused = "\"RuntimeError\""
            for note in [
                #""/refuse": ["taken", \#(refused)]"#,
                #""/deny": [\#(refused), "taken", \#(refused), "taken", "taken", \#(refused)]"#,
                #""/order": [\#(refused), \#(refused), "ValueError", "taken", \#(refused), \#(refused), "TypeError", "taken", "#
                    + #""taken", \#(refused), \#(refused), \#(refused)]"#,
            ] {
                #expect(try notes().contains(note), "\(note)")
            }
            try expectRules()
        }

        /// Messages come in pieces, and a client that breaks the rules is told so.
        private func expectRules() throws {
            let client = try upgrade("/echo", "Sec-WebSocket-Protocol: chat, other\r\n")
            let head = try client.readResponse()
            #expect(head.status == 101 && head.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(head.header("sec-websocket-protocol") == "chat" && head.header("x-scheme") == "ws")
            try client.send(
                Self.frame(0x01, "he") + Self.frame(0x89, "ping") + Self.frame(0x80, "llo") + Self.frame(0x82, "raw")
            )
            for (first, text) in [(UInt8(0x8A), "ping"), (0x81, "HELLO"), (0x82, "raw")] {
                let frame = try readFrame(client)
                #expect(frame.first == first && frame.bytes == Array(text.utf8))
            }
            try client.send([0x88, 0x85, 0, 0, 0, 0, 0x0F, 0xA1] + Array("bye".utf8))
            #expect(try readFrame(client).bytes == [0x0F, 0xA1])
            #expect(try client.readToEnd().isEmpty)
            try expectNote(#""echo": [4001, "bye", "ClientDisconnected", "websocket.disconnect"]"#)
            for (frames, code) in [
                ([0x81, 0x01, 0x78], "1002"), (Self.frame(0x80), "1002"), (Self.frame(0x83), "1002"),
                (Self.frame(0xC1), "1002"), (Self.frame(0x09), "1002"), (Self.frame(0x88, "x"), "1002"),
                (Self.frame(0x01) + Self.frame(0x01), "1002"), ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], "1002"),
                ([0x81, 0x81, 0, 0, 0, 0, 0xFF], "1007"),
                ([0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], "1009"),
            ] as [([UInt8], String)] {
                #expect(try talk("/echo", frames) == "\(code) ", "\(frames)")
            }
            do { _ = try upgrade("/echo").readResponse() }
            try expectNote(#""echo": [1006, "", "ClientDisconnected", "websocket.disconnect"]"#)
            let last = try upgrade("/echo")
            #expect(try last.readResponse().status == 101)
            let pid = try #require(try site.processes(of: "asgi").first?.pid)
            try ProcessHandle(pid: pid).signal(.terminate)
            #expect(try readFrame(last).bytes == [0x03, 0xF4], "restart")
            #expect(try last.readToEnd().isEmpty, "the application hears of it, ends, and with it the process")
        }
    }
}
