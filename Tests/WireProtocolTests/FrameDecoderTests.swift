// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

struct FrameDecoderTests {
    private func header(length: UInt32, type: UInt8) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(length)
        buffer.writeInteger(type)
        return buffer
    }

    struct Limit: Sendable {
        let phase: FramePhase
        let type: MessageType
        let bytes: UInt32
    }

    static let limits = [
        Limit(phase: .beforeHello, type: .hello, bytes: 4096),
        Limit(phase: .fromFront(mayManifest: true), type: .manifest, bytes: 8 * 1024 * 1024),
        Limit(phase: .fromFront(mayManifest: false), type: .manifest, bytes: 256 * 1024),
        Limit(phase: .fromFront(mayManifest: true), type: .defineApp, bytes: 256 * 1024),
        Limit(phase: .fromDaemon, type: .refused, bytes: 256 * 1024),
        Limit(phase: .fromDaemon, type: .helloReply, bytes: 4096),
        Limit(phase: .fromFront(mayManifest: true), type: .checkout, bytes: 8 * 1024),
        Limit(phase: .fromFront(mayManifest: false), type: .ping, bytes: 8 * 1024),
        Limit(phase: .fromAdmin, type: .adminRequest, bytes: 8 * 1024),
        Limit(phase: .toAdmin, type: .adminResponse, bytes: 8 * 1024 * 1024),
    ]

    @Test(arguments: limits)
    func `a length over the limit is refused as soon as it is read`(limit: Limit) throws {
        var decoder = FrameDecoder(phase: limit.phase)
        decoder.append(self.header(length: limit.bytes, type: limit.type.rawValue))
        #expect(try decoder.nextFrame() == nil)

        var refusing = FrameDecoder(phase: limit.phase)
        refusing.append(self.header(length: limit.bytes + 1, type: limit.type.rawValue))
        let error = WireError.frameTooLarge(type: limit.type.rawValue, length: limit.bytes + 1, limit: limit.bytes)
        #expect(throws: error) { try refusing.nextFrame() }
    }

    @Test func `each phase takes its own messages only`() {
        let table: [(FramePhase, Set<MessageType>)] = [
            (.beforeHello, [.hello]),
            (
                .fromFront(mayManifest: true),
                [
                    .manifest, .defineApp, .checkout, .cancel, .release, .upgraded, .resume, .reportQuery,
                    .abandoned, .fateQuery, .reuse, .lasting, .ping, .pong,
                ]
            ),
            (
                .fromDaemon,
                [
                    .helloReply, .attached, .appAccepted, .appRejected, .granted, .refused, .processGone, .draining,
                    .abort, .recall, .goodbye, .report, .streamFate, .ping, .pong,
                ]
            ),
            (.fromAdmin, [.adminRequest, .ping, .pong]),
            (.toAdmin, [.helloReply, .adminResponse, .goodbye, .ping, .pong]),
        ]
        for (phase, allowed) in table {
            for type in 0...UInt8.max {
                var decoder = FrameDecoder(phase: phase)
                decoder.append(self.header(length: 100, type: type))
                if let known = MessageType(rawValue: type), allowed.contains(known) {
                    #expect(throws: Never.self) { try decoder.nextFrame() }
                } else {
                    #expect(throws: WireError.unexpectedType(type)) { try decoder.nextFrame() }
                }
            }
        }
    }

    @Test func `a frame without a type is refused`() {
        var decoder = FrameDecoder(phase: .fromDaemon)
        decoder.append(self.header(length: 0, type: 1))
        #expect(throws: WireError.emptyFrame) { try decoder.nextFrame() }
    }

    @Test func `after an error no frame is read any more`() {
        var decoder = FrameDecoder(phase: .fromDaemon)
        decoder.append(self.header(length: 0, type: 1))
        #expect(throws: WireError.emptyFrame) { try decoder.nextFrame() }
        decoder.append(Samples.bytes { DaemonMessage.ping(1).write(into: &$0) })
        #expect(throws: WireError.emptyFrame) { try decoder.nextFrame() }
    }

    @Test func `bytes behind a Hello are handed on`() throws {
        var bytes = Samples.bytes { Hello(role: .stream, streamToken: Samples.streamToken).write(into: &$0) }
        bytes.writeString("first request bytes")
        var decoder = FrameDecoder(phase: .beforeHello)
        decoder.append(bytes)
        #expect(try decoder.nextFrame() != nil)
        #expect(decoder.takeRemainder() == ByteBuffer(string: "first request bytes"))
        #expect(decoder.bufferedBytes == 0)
    }

    @Test func `too many apps are refused before memory is taken for them`() {
        var payload = ByteBuffer()
        payload.writeInteger(UInt32(0))
        payload.writeInteger(UInt64(1))
        payload.writeInteger(UInt32(33))
        payload.writeInteger(UInt64(1))
        payload.writeInteger(UInt64(1))
        payload.writeInteger(UInt32.max)
        #expect(
            throws: WireError.tooMany(type: 0x10, field: "apps", count: UInt64(UInt32.max), limit: 10_000)
        ) { try FrontMessage(frame: Frame(type: 0x10, payload: payload)) }
    }
}
