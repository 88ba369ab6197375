// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import TestSupport
import Testing
import WireProtocol

/// Every message: decode is the inverse of encode, whatever way the bytes arrive.
struct MessageCodecTests {
    @Test(arguments: Samples.hellos)
    func `a Hello comes back as it was written`(hello: Hello) throws {
        let bytes = Samples.bytes { hello.write(into: &$0) }
        for pieces in Self.splittings(of: bytes) {
            var decoder = FrameDecoder(phase: .beforeHello)
            var received: [ReceivedHello] = []
            for piece in pieces {
                decoder.append(piece)
                while let frame = try decoder.nextFrame() { received.append(try ReceivedHello(frame: frame)) }
            }
            #expect(received == [.hello(hello)])
        }
    }

    @Test(arguments: Samples.frontMessages)
    func `a message of the front comes back as it was written`(message: FrontMessage) throws {
        let bytes = Samples.bytes { message.write(into: &$0) }
        for pieces in Self.splittings(of: bytes) {
            var decoder = FrameDecoder(phase: .fromFront(mayManifest: true))
            var received: [FrontMessage] = []
            for piece in pieces {
                decoder.append(piece)
                while let message = try FrontMessage.next(from: &decoder) { received.append(message) }
            }
            #expect(received == [message])
            #expect(decoder.bufferedBytes == 0)
        }
    }

    @Test(arguments: Samples.daemonMessages)
    func `a message of the daemon comes back as it was written`(message: DaemonMessage) throws {
        let bytes = Samples.bytes { message.write(into: &$0) }
        for pieces in Self.splittings(of: bytes) {
            var decoder = FrameDecoder(phase: .fromDaemon)
            var received: [DaemonMessage] = []
            for piece in pieces {
                decoder.append(piece)
                while let message = try DaemonMessage.next(from: &decoder) { received.append(message) }
            }
            #expect(received == [message])
        }
    }

    @Test(arguments: Samples.adminMessages)
    func `a message of administration comes back as it was written`(message: AdminMessage) throws {
        let phase: FramePhase =
            switch message {
            case .request: .fromAdmin
            case .helloReply, .response, .goodbye, .ping, .pong: .toAdmin
            }
        let bytes = Samples.bytes { message.write(into: &$0) }
        for pieces in Self.splittings(of: bytes) {
            var decoder = FrameDecoder(phase: phase)
            var received: [AdminMessage] = []
            for piece in pieces {
                decoder.append(piece)
                while let message = try AdminMessage.next(from: &decoder) { received.append(message) }
            }
            #expect(received == [message])
        }
    }

    @Test func `all messages in one buffer come back in order`() throws {
        let bytes = Samples.bytes { buffer in
            for message in Samples.frontMessages { message.write(into: &buffer) }
        }
        var decoder = FrameDecoder(phase: .fromFront(mayManifest: true))
        decoder.append(bytes)
        var received: [FrontMessage] = []
        while let message = try FrontMessage.next(from: &decoder) { received.append(message) }
        #expect(received == Samples.frontMessages)
    }

    @Test func `samples hold every message number`() {
        let all =
            Samples.hellos.map { hello in Samples.bytes { hello.write(into: &$0) } }
            + Samples.frontMessages.map { message in Samples.bytes { message.write(into: &$0) } }
            + Samples.daemonMessages.map { message in Samples.bytes { message.write(into: &$0) } }
            + Samples.adminMessages.map { message in Samples.bytes { message.write(into: &$0) } }
        let numbers = Set(all.compactMap { $0.getInteger(at: 4, as: UInt8.self) })
        #expect(numbers == Set(MessageType.allCases.map(\.rawValue)))
    }

    @Test func `a payload that ends early or goes on is refused, at every length`() {
        for message in Samples.frontMessages {
            let whole = Samples.bytes { message.write(into: &$0) }
            let payload = whole.getSlice(at: 5, length: whole.readableBytes - 5) ?? ByteBuffer()
            let type = whole.getInteger(at: 4, as: UInt8.self) ?? 0
            for length in 0..<payload.readableBytes {
                let cut = Frame(
                    type: type,
                    payload: payload.getSlice(at: payload.readerIndex, length: length) ?? payload
                )
                if let shorter = Self.withoutLastField(message), length == shorter.bytes {
                    #expect((try? FrontMessage(frame: cut)) == shorter.message)
                } else {
                    #expect(throws: WireError.self) { try FrontMessage(frame: cut) }
                }
            }
            var longer = payload
            longer.writeInteger(UInt8(0))
            // One byte is no number of a stream, and not all of what a session carried.
            let isShort =
                switch message {
                case .abandoned(let abandoned): abandoned.stream == nil
                case .release(let release): release.carried == nil
                default: false
                }
            #expect(throws: isShort ? WireError.truncated(type: type) : .trailingBytes(type: type, count: 1)) {
                try FrontMessage(frame: Frame(type: type, payload: longer))
            }
        }
    }

    /// A message whose last field may be left out, without it, and the length of its payload then.
    private static func withoutLastField(_ message: FrontMessage) -> (message: FrontMessage, bytes: Int)? {
        var shorter: FrontMessage?
        if case .checkout(var checkout) = message, checkout.host != nil {
            checkout.host = nil
            shorter = .checkout(checkout)
        }
        if case .abandoned(var abandoned) = message, abandoned.stream != nil {
            abandoned.stream = nil
            shorter = .abandoned(abandoned)
        }
        if case .release(var release) = message, release.carried != nil {
            release.carried = nil
            shorter = .release(release)
        }
        return shorter.map { shorter in (shorter, Samples.bytes { shorter.write(into: &$0) }.readableBytes - 5) }
    }

    @Test func `text that is not UTF-8 is refused`() {
        var payload = ByteBuffer()
        payload.writeInteger(UInt32(2))
        payload.writeBytes([0xC3, 0x28])
        #expect(throws: WireError.invalidText(type: MessageType.goodbye.rawValue)) {
            try DaemonMessage(frame: Frame(type: MessageType.goodbye.rawValue, payload: payload))
        }
    }

    @Test func `a report over its limit is refused`() throws {
        func frame(_ size: Int) throws -> Frame {
            let json = ByteBuffer(repeating: UInt8(ascii: "x"), count: size)
            let report = Report(app: AppNumber(rawValue: 1), errorID: "1a2b3c4d", json: json)
            var decoder = FrameDecoder(phase: .fromDaemon)
            decoder.append(Samples.bytes { DaemonMessage.report(report).write(into: &$0) })
            return try #require(try decoder.nextFrame())
        }
        _ = try DaemonMessage(frame: frame(WireLimits.reportBytes))
        #expect(throws: WireError.self) { try DaemonMessage(frame: frame(WireLimits.reportBytes + 1)) }
    }

    @Test(arguments: Samples.daemonMessages)
    func `a payload of the daemon that ends early never comes back as it was`(message: DaemonMessage) {
        let whole = Samples.bytes { message.write(into: &$0) }
        let payload = whole.getSlice(at: 5, length: whole.readableBytes - 5) ?? ByteBuffer()
        for length in 0..<payload.readableBytes {
            let cut = payload.getSlice(at: payload.readerIndex, length: length) ?? payload
            let decoded = try? DaemonMessage(frame: Frame(type: whole.getInteger(at: 4) ?? 0, payload: cut))
            #expect(decoded != message)
        }
    }

    @Test func `settings in another order are the same settings on the wire`() {
        let entries = Samples.settings.entries
        let reversed = Samples.settings.entries.reversed()
        #expect(entries.count == 4)
        let bytes = SettingsListBytes.of(Array(reversed))
        #expect(bytes == Samples.settings.canonicalBytes)
    }

    @Test(arguments: Searching.seeds(1, of: 4))
    func `random bytes never trap`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let phases: [FramePhase] = [
            .beforeHello, .fromFront(mayManifest: true), .fromFront(mayManifest: false), .fromDaemon, .fromAdmin,
            .toAdmin,
        ]
        for _ in 0..<4000 {
            var payload = ByteBuffer()
            for _ in 0..<Int.random(in: 0..<80, using: &random) {
                // Small numbers pass more checks than evenly spread ones.
                payload.writeInteger(UInt8.random(in: 0...(Bool.random(using: &random) ? 3 : 255), using: &random))
            }
            let type = MessageType.allCases.randomElement(using: &random)?.rawValue ?? 0
            let frame = Frame(type: type, payload: payload)
            _ = try? ReceivedHello(frame: frame)
            _ = try? FrontMessage(frame: frame)
            _ = try? DaemonMessage(frame: frame)
            _ = try? AdminMessage(frame: frame)
            var decoder = FrameDecoder(phase: phases.randomElement(using: &random) ?? .fromDaemon)
            decoder.append(payload)
            while let frame = try? decoder.nextFrame() { _ = try? FrontMessage(frame: frame) }
        }
    }

    @Test(arguments: [UInt64(11), 12])
    func `damaged messages never trap`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for message in Samples.daemonMessages {
            let whole = Samples.bytes { message.write(into: &$0) }
            for _ in 0..<200 {
                var damaged = whole
                let place = Int.random(in: 0..<whole.readableBytes, using: &random)
                damaged.setInteger(UInt8.random(in: 0...255, using: &random), at: place)
                var decoder = FrameDecoder(phase: .fromDaemon)
                decoder.append(damaged)
                while let message = try? DaemonMessage.next(from: &decoder) { _ = message }
            }
        }
        for message in Samples.frontMessages {
            let whole = Samples.bytes { message.write(into: &$0) }
            for _ in 0..<200 {
                var damaged = whole
                let place = Int.random(in: 0..<whole.readableBytes, using: &random)
                damaged.setInteger(UInt8.random(in: 0...255, using: &random), at: place)
                var decoder = FrameDecoder(phase: .fromFront(mayManifest: true))
                decoder.append(damaged)
                while let message = try? FrontMessage.next(from: &decoder) { _ = message }
            }
        }
    }

    /// Whole, byte by byte, and cut in two at every place.
    static func splittings(of bytes: ByteBuffer) -> [[ByteBuffer]] {
        let count = bytes.readableBytes
        func slice(_ range: Range<Int>) -> ByteBuffer {
            bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
        }
        let cuts = (1..<count).map { [slice(0..<$0), slice($0..<count)] }
        return [[bytes], (0..<count).map { slice($0..<($0 + 1)) }] + cuts
    }
}
