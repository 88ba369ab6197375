// SPDX-License-Identifier: MIT

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
        ]

        private static func listening(_ files: [String]) throws -> Site {
            try Site.running(
                files.map { file in
                    let settings = ["passenger_app_type node;", "passenger_startup_file \(file);"]
                    return .init(
                        String(file.prefix { $0 != "." }),
                        from: "node-listens",
                        owner: Integration.owner(0),
                        settings: settings
                    )
                }
            )
        }

        @Test func `a server is served wherever it says that it listens`() throws {
            let site = try Self.listening(Self.places.map(\.0) + ["two-ports.js", "https.js", "http2.js"])
            for (file, address) in Self.places {
                let page = try site.page(String(file.prefix { $0 != "." })).text
                #expect(page == "{\"listening\":true,\"address\":\(address),\"seen\":\(address)}", "\(file)")
            }
            #expect(try site.page("two-ports").text.contains("http.Server.listen() was called more than once"))
            #expect(try site.get("https").status == 500)
            #expect(try site.get("http2").status == 500)
            #expect(site.log().contains("only a server of class Http2Server listened"))
        }
    }
}
