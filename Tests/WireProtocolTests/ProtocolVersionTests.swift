// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

struct ProtocolVersionTests {
    private func agreement(_ own: (UInt16, UInt16), _ peer: (UInt16, UInt16)) -> VersionAgreement {
        .between(
            own: ProtocolVersion(major: own.0, minor: own.1),
            ownProduct: "Flying Passenger 0.1.0",
            peer: ProtocolVersion(major: peer.0, minor: peer.1),
            peerProduct: "Flying Passenger 9.9.9"
        )
    }

    @Test func `the same version is spoken`() {
        #expect(self.agreement((1, 0), (1, 0)) == .speak(ProtocolVersion(major: 1, minor: 0)))
    }

    @Test func `the previous minor is spoken by either side`() {
        #expect(self.agreement((1, 3), (1, 2)) == .speak(ProtocolVersion(major: 1, minor: 2)))
        #expect(self.agreement((1, 2), (1, 3)) == .speak(ProtocolVersion(major: 1, minor: 2)))
    }

    @Test(arguments: [(UInt16(2), UInt16(0)), (1, 1), (1, 5), (0, 3)])
    func `anything else is refused with both products and both versions`(peer: (UInt16, UInt16)) throws {
        guard case .refused(let text) = self.agreement((1, 3), peer) else {
            Issue.record("\(peer) was accepted")
            return
        }
        for part in ["0.1.0", "9.9.9", "protocol 1.3", "protocol \(peer.0).\(peer.1)"] {
            #expect(text.contains(part))
        }
    }

    @Test func `of a Hello of another major the head is read`() throws {
        var payload = ByteBuffer()
        payload.writeInteger(Hello.magic)
        payload.writeInteger(UInt16(9))
        payload.writeInteger(UInt16(1))
        payload.writeInteger(UInt32(4))
        payload.writeString("Next")
        payload.writeBytes([0xFF, 0xFF, 0xFF])  // whatever that major puts here
        let hello = try ReceivedHello(frame: Frame(type: MessageType.hello.rawValue, payload: payload))
        #expect(hello == .foreign(ForeignHello(version: ProtocolVersion(major: 9, minor: 1), product: "Next")))
    }

    @Test func `a refusal of another major is readable`() throws {
        var payload = ByteBuffer()
        payload.writeInteger(Hello.magic)
        payload.writeInteger(UInt16(9))
        payload.writeInteger(UInt16(1))
        payload.writeInteger(UInt32(4))
        payload.writeString("Next")
        payload.writeInteger(UInt8(1))
        payload.writeInteger(UInt32(2))
        payload.writeString("no")
        payload.writeBytes([1, 2, 3])
        let message = try DaemonMessage(frame: Frame(type: MessageType.helloReply.rawValue, payload: payload))
        guard case .helloReply(let reply) = message else {
            Issue.record("not a reply")
            return
        }
        #expect(reply.refusal == "no")
        #expect(reply.version == ProtocolVersion(major: 9, minor: 1))
    }

    @Test func `fields that a later minor appends to Hello are skipped`() throws {
        let whole = Samples.bytes { Samples.hellos[0].write(into: &$0) }
        var payload = whole.getSlice(at: 5, length: whole.readableBytes - 5) ?? ByteBuffer()
        payload.writeBytes([1, 2, 3, 4])
        let hello = try ReceivedHello(frame: Frame(type: MessageType.hello.rawValue, payload: payload))
        #expect(hello == .hello(Samples.hellos[0]))
    }

    @Test func `a peer of another protocol is told apart`() {
        let frame = Frame(type: MessageType.hello.rawValue, payload: ByteBuffer(string: "GET / HTTP/1.1"))
        #expect(throws: WireError.wrongMagic(0x4745_5420)) { try ReceivedHello(frame: frame) }
    }
}
