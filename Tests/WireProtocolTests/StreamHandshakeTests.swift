// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

struct StreamHandshakeTests {
    @Test func `the bytes behind Attached belong to the app, at every cut`() throws {
        var bytes = Samples.bytes { DaemonMessage.attached(Attached(mode: .relayed)).write(into: &$0) }
        let frameBytes = bytes.readableBytes
        bytes.writeString("HTTP/1.1 200 OK\r\n")
        for cut in 0...bytes.readableBytes {
            var handshake = StreamHandshake(token: Samples.streamToken, features: 0)
            let first = bytes.getSlice(at: 0, length: cut) ?? ByteBuffer()
            let second = bytes.getSlice(at: cut, length: bytes.readableBytes - cut) ?? ByteBuffer()
            if cut < frameBytes {
                #expect(try handshake.received(first) == .incomplete)
                #expect(
                    try handshake.received(second)
                        == .attached(Attached(mode: .relayed), remainder: ByteBuffer(string: "HTTP/1.1 200 OK\r\n"))
                )
            } else {
                guard case .attached(Attached(mode: .relayed), var remainder) = try handshake.received(first) else {
                    Issue.record("not attached at \(cut)")
                    return
                }
                remainder.writeImmutableBuffer(second)
                #expect(remainder == ByteBuffer(string: "HTTP/1.1 200 OK\r\n"))
            }
        }
    }

    @Test func `a refusal tells its reason`() throws {
        var handshake = StreamHandshake(token: Samples.streamToken, features: 0)
        let reply = HelloReply(refusal: "the process is gone")
        #expect(try handshake.received(Samples.bytes { reply.write(into: &$0) }) == .refused("the process is gone"))
    }

    @Test func `any other message is an error`() {
        var handshake = StreamHandshake(token: Samples.streamToken, features: 0)
        let bytes = Samples.bytes { DaemonMessage.goodbye(Goodbye(reason: "")).write(into: &$0) }
        #expect(throws: WireError.unexpectedType(MessageType.goodbye.rawValue)) { try handshake.received(bytes) }
    }

    @Test func `the Hello carries role and token`() {
        let handshake = StreamHandshake(token: Samples.streamToken, features: 0)
        #expect(handshake.hello.role == .stream)
        #expect(handshake.hello.streamToken == Samples.streamToken)
    }
}
