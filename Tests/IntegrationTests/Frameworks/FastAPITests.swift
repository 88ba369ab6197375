// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// A FastAPI application at the root of a host and below a prefix, served as ASGI or by uvicorn on the inherited socket.
    @Suite(
        .enabled(
            if: FrameworkSite.hasPython("fastapi", "multipart", "uvicorn", "websockets"),
            "needs python3-fastapi, python3-multipart, python3-uvicorn and python3-websockets"
        ),
        .timeLimit(.minutes(2))
    )
    struct FastAPITests {
        private static let servers = [
            "passenger_python /usr/bin/python3; passenger_app_type asgi; passenger_startup_file main:app;",
            "passenger_app_start_command \"/usr/bin/python3 -m uvicorn --fd 3 --proxy-headers --forwarded-allow-ips=* main:app\";",
        ]

        private func order(_ visitor: FrameworkVisitor) throws {
            #expect(try visitor.get("/").member("started") == "true", "startup handlers have run")
            let made = try visitor.post("/orders", json: #"{"item": "wings", "count": 2}"#)
            #expect(made.status == 201 && made.member("number") == "1")
            let wrong = try visitor.post("/orders", json: #"{"item": "wings", "count": 0}"#)
            #expect(wrong.status == 422 && wrong.text.contains("greater than 0"))
            let sent = try visitor.post("/forms", [("item", "tail & fin"), ("count", "3")])
            #expect(sent.status == 303)
            #expect(try visitor.follow(sent).text.contains(#"{"item":"tail & fin","count":3}"#))

            let bytes = TestBytes.patterned(2_000_000)
            let file = try visitor.post("/files", file: ("file", "order.txt", bytes))
            #expect(file.member("name") == "order.txt" && file.member("size") == "2000000")
            let back = try visitor.get("/files")
            #expect(back.body == bytes && back.header("content-disposition") == #"attachment; filename="order.txt""#)
            #expect(try visitor.get("/about.txt", headers: "Range: bytes=0-5\r\n").text == "Orders")
            let pages = try visitor.get("/docs")
            #expect(pages.text.contains("url: '\(visitor.prefix)/openapi.json'"))
            #expect(try visitor.get("/openapi.json").status == 200)
        }

        private func talk(_ visitor: FrameworkVisitor, _ site: Site) throws {
            let clients = try (1...3).map { _ in
                try WebSocketClient(port: site.port, host: visitor.host, path: "\(visitor.prefix)/echo")
            }
            for (number, client) in clients.enumerated() { try client.send("hello \(number)") }
            for (number, client) in clients.enumerated() { #expect(try client.read() == "echo hello \(number)") }
            for client in clients { try client.close() }
            try eventually("the application to see that they left") {
                site.log().pieces(between: "the client left with 1000").count > 3
            }
        }

        @Test(arguments: servers)
        func `forms, uploads, streams and WebSockets work at the root and below a prefix`(_ server: String) throws {
            let fastAPI = try FrameworkSite("fastapi", settings: [server])
            for visitor in fastAPI.visitors() {
                let pid = try visitor.get("/facts").member("pid")
                try order(visitor)
                try talk(visitor, fastAPI.site)
                #expect(try fastAPI.streamedParts(for: visitor) == FrameworkSite.streamed)

                let secure = try visitor.get(
                    "/facts",
                    headers: "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n"
                )
                #expect(secure.member("secure") == "true" && secure.member("client") == "192.0.2.1")
                #expect(secure.member("link") == "https://fastapi.localhost\(visitor.prefix)/")
                #expect(secure.member("path") == "\(visitor.prefix)/facts")

                let failed = try visitor.get("/fail")
                #expect(failed.status == 500 && failed.text == "Internal Server Error")
                let missing = try visitor.get("/nowhere")
                #expect(missing.status == 404 && missing.text == #"{"detail":"Not Found"}"#)
                #expect(try visitor.get("/facts").member("pid") == pid, "the process goes on")
            }
            fastAPI.site.daemon?.stop()
            let log = fastAPI.site.log()
            #expect(log.pieces(between: "the order book is closed").count == 3, "shutdown handlers have run")
        }
    }
}
