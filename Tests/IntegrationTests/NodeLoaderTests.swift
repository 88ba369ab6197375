// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// How Node applications start their servers.
    @Suite(.enabled(if: Integration.hasNode, "needs node"), .timeLimit(.minutes(1)))
    struct NodeLoaderTests {
        @Test func `a service on both addresses of localhost listens on both, as far as it can see`() throws {
            let site = try Site.running([.init("localhost", from: "node-localhost", owner: Integration.owner(0))])
            let first = #"{"listening":true,"address":{"address":"127.0.0.1","family":"IPv4","port":3000}}"#
            let second = #"{"listening":true,"address":{"address":"::1","family":"IPv6","port":3000}}"#
            for _ in 1...3 { #expect(try site.page("localhost").text == "\(first)\n\(second)\n") }
            #expect(try site.page("localhost", "/close").text == #"{"listening":false,"address":null}"# + "\n")
            #expect(try site.page("localhost").text.hasPrefix(first))
        }

        /// Startup file, and what its server and its callback see as the address.
        private static let places = [
            ("any-port.js", #"{"address":"127.0.0.1","family":"IPv4","port":0}"#),
            ("host.js", #"{"address":"::1","family":"IPv6","port":3000}"#),
            ("path.js", #""/nonexistent/app.sock""#),
            ("descriptor.js", #"{"address":"127.0.0.1","family":"IPv4","port":0}"#),
            ("nothing.js", #"{"address":"127.0.0.1","family":"IPv4","port":0}"#),
            ("probe.js", #"{"address":"127.0.0.1","family":"IPv4","port":3000}"#),
            ("module.mjs", #"{"address":"127.0.0.1","family":"IPv4","port":3000}"#),
            ("fastify.js", #"{"address":"127.0.0.1","family":"IPv4","port":0}"#),
            ("koa.js", #"{"address":"0.0.0.0","family":"IPv4","port":8000}"#),
            ("chosen.js", #"{"address":"127.0.0.1","family":"IPv4","port":0}"#),
            ("required.mjs", #"{"address":"127.0.0.1","family":"IPv4","port":0}"#),
        ]

        /// An application for each startup file of a folder of applications, named after it.
        private static func running(_ files: [String], in folder: String) throws -> Site {
            try Site.running(
                files.map { file in
                    let settings = ["passenger_app_type node;", "passenger_startup_file \(file);"]
                    return .init(
                        String(file.prefix { $0 != "." }),
                        from: folder,
                        owner: Integration.owner(0),
                        settings: settings
                    )
                },
                daemonFlags: ["--max-pool-size=\(files.count + 1)"]
            )
        }

        @Test func `a server is served wherever it says that it listens`() throws {
            let site = try Self.running(
                Self.places.map(\.0) + ["two-ports.js", "https.js", "http2.js"],
                in: "node-listens"
            )
            for (file, address) in Self.places {
                let page = try site.page(String(file.prefix { $0 != "." })).text
                #expect(page == "{\"listening\":true,\"address\":\(address),\"seen\":\(address)}", "\(file)")
            }
            #expect(try site.page("two-ports").text.contains("http.Server.listen() was called more than once"))
            #expect(try site.get("https").status == 500)
            #expect(try site.get("http2").status == 500)
            #expect(site.log().contains("only a server of class Http2Server listened"))
        }

        /// Before, each of these processes was waited for until it was killed, a minute later: our own server kept it alive.
        @Test func `a process whose application does something before it ends is gone when that is done`() throws {
            let names = ["exit", "message", "sigterm", "closes", "holds"]
            let site = try Self.running(names.map { "\($0).js" }, in: "node-ends")
            var old: [String: Int32] = [:]
            for name in names {
                let pid = try #require(try site.page(name).pid)
                old[name] = pid
                try site.directory.write("", to: "apps/\(name)/tmp/restart.txt")
                #expect(try site.page(name).pid != pid)
            }
            for name in names {
                let pid = try #require(old[name])
                try eventually("the end of \(name)", within: .seconds(10)) { !ProcessFacts.isRunning(pid) }
            }
            let log = site.log()
            for word in ["exit", "shutdown", "SIGTERM", "holds"] {
                #expect(log.contains("output: \(word) has cleaned up"), "\(word)")
            }
            #expect(log.contains("the server has closed: well"))
            let reason =
                "asked to end by the event 'exit' of PhusionPassenger, and goes on because of what is open (Timeout)"
            #expect(log.pieces(between: reason).count == 2, "of those that hold nothing it is not said")
        }

        @Test func `a server that closes while it answers has closed with the last answer`() throws {
            let site = try Self.running(["closes.js"], in: "node-ends")
            let pid = try #require(try site.page("closes").pid)
            let client = try HTTPConnection(port: site.port)
            try client.send("GET /slow HTTP/1.1\r\nHost: closes.localhost\r\n\r\n")
            _ = try client.readResponse(toHead: true)
            _ = try client.readChunk()
            try ProcessHandle(pid: pid).signal(.terminate)
            #expect(String(decoding: try client.readChunk(), as: UTF8.self) == "to the end\n")
            try eventually("its end", within: .seconds(10)) { !ProcessFacts.isRunning(pid) }
            #expect(site.log().contains("App \(pid) output: the server has closed: well"))
            // It was nobody who asked for its end: another one is there, which the daemon need not end while it starts.
            #expect(try site.page("closes").pid != pid)
        }
    }
}
