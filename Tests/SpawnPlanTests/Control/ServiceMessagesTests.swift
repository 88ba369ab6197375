// SPDX-License-Identifier: MIT

import SpawnPlan
import Testing

@Suite struct ServiceMessagesTests {
    private func said(_ messages: [ServiceMessages.Message]) -> [String] { messages.map { "\($0.word)=\($0.value)" } }

    @Test func `lines are messages, however they are cut`() {
        let bytes = Array("memory 12 MB\nidle\n\npath a\\nb\n".utf8)
        let expected = ["memory=12 MB", "idle=", "=", "path=a\nb"]
        for cut in 0...bytes.count {
            var messages = ServiceMessages()
            let first = messages.received(bytes[..<cut], at: .zero)
            #expect(said(first + messages.received(bytes[cut...], at: .zero)) == expected)
        }
    }

    @Test func `who says too much is not heard, and is again later`() {
        var messages = ServiceMessages()
        let flood = Array(repeating: UInt8(ascii: "\n"), count: 100_000)
        #expect(messages.received(flood, at: .zero).count == ServiceMessages.burst)
        #expect(messages.received(flood, at: .milliseconds(900)).isEmpty)
        #expect(messages.received(flood, at: .seconds(3)).count == 3 * ServiceMessages.perSecond)
        #expect(messages.received(flood, at: .seconds(100_000)).count == ServiceMessages.burst)
        #expect(messages.received(flood, at: .zero).isEmpty)
    }

    @Test func `answers are heard however often they are asked for`() {
        var messages = ServiceMessages()
        for _ in 0..<10 * ServiceMessages.burst {
            messages.awaitAnswer()
            #expect(said(messages.received(Array("oobw-done\n".utf8), at: .zero)) == ["oobw-done="])
        }
        let flood = Array(repeating: UInt8(ascii: "\n"), count: 1000)
        #expect(messages.received(flood, at: .zero).count == ServiceMessages.burst)
    }

    @Test func `a line without end is not kept, and what follows it is heard`() {
        var messages = ServiceMessages()
        let piece = Array(repeating: UInt8(ascii: "x"), count: ServiceMessages.maxLineBytes + 1)
        for _ in 0..<100 { #expect(messages.received(piece, at: .zero).isEmpty) }
        #expect(said(messages.received(Array("tail\nnext 1\n".utf8), at: .zero)) == ["next=1"])
    }
}
