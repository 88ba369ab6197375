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
    }
}
