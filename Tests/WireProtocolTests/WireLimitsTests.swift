// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

struct WireLimitsTests {
    @Test func `text is cut between characters`() {
        #expect("abc".clamped(toUTF8: 3) == "abc")
        #expect("abcd".clamped(toUTF8: 3) == "abc")
        #expect("aüb".clamped(toUTF8: 2) == "a")
        #expect("aüb".clamped(toUTF8: 3) == "aü")
        #expect("€€".clamped(toUTF8: 5) == "€")
        #expect("𝄞".clamped(toUTF8: 3) == "")
        #expect("abc".clamped(toUTF8: 0) == "")
    }

    @Test func `the ending of a text is cut between characters`() {
        #expect("/long/path".clampedTail(toUTF8: 4) == "path")
        #expect("aüb".clampedTail(toUTF8: 2) == "b")
        #expect("aüb".clampedTail(toUTF8: 3) == "üb")
    }

    @Test func `whatever goes into a message fits its limits`() {
        let long = String(repeating: "ü", count: 200_000)
        let checkout = Checkout(request: .init(rawValue: 1), app: .init(rawValue: 1), method: long, path: long)
        #expect(checkout.method.utf8.count <= WireLimits.methodBytes)
        #expect(checkout.path.utf8.count <= WireLimits.pathBytes)
        #expect(SpawnReport(errorID: long, summary: long).summary.utf8.count <= WireLimits.summaryBytes)
        let hello = Samples.bytes { Hello(product: long, role: .control, frontName: long).write(into: &$0) }
        #expect(hello.readableBytes - 4 <= Int(WireLimits.helloFrame))
        let reply = Samples.bytes { HelloReply(product: long, refusal: long).write(into: &$0) }
        #expect(reply.readableBytes - 4 <= Int(WireLimits.helloFrame))
    }
}
