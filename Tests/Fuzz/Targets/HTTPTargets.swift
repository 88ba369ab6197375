// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore

/// What clients and apps send over HTTP, and what becomes of it on the other side.
enum HTTPTargets {
    // MARK: Requests

    /// A head is read alike whole and in two parts, and an app that speaks HTTP reads what is passed on as we did.
    static func requestHead(_ bytes: UnsafeRawBufferPointer) throws {
        var head = RequestHead()
        let progress = head.advance(over: bytes)
        var inParts = RequestHead()
        let first = inParts.advance(over: bytes.parts.0)
        let second = first == .needMore ? inParts.advance(over: bytes) : first
        // A fault may be seen sooner in one of them.
        try require((progress == .complete) == (second == .complete), "whole: \(progress), in parts: \(second)")
        guard progress == .complete else { return }
        try require(head.byteCount == inParts.byteCount && head.body == inParts.body, "cut heads are other heads")
        try Self.passOn(head, bytes)
    }

    private static func passOn(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) throws {
        let facts = Self.facts(head, bytes)
        var buffer = ByteBuffer()
        let isWritten = HTTPRequestEncoder.encode(
            head,
            bytes,
            reuse: head.wantsUpgrade ? .upgrade : .keepAlive,
            facts: facts,
            into: &buffer
        )
        guard isWritten else { throw FuzzFinding("a head that was read does not fit its estimate") }
        var again = RequestHead()
        let progress = again.advance(over: buffer)
        try require(progress == .complete, "the app is sent \(progress)")
        try require(again.byteCount == buffer.readableBytes, "the app reads another head than was written")
        try require(again.body == head.body, "the app expects \(again.body), we have \(head.body)")
        try buffer.withUnsafeReadableBytes { written in
            try require(
                written[again.methodName].elementsEqual(bytes[head.methodName]),
                "the app is sent another method"
            )
        }
    }

    /// The block of a session request holds pairs, the length in front of it is its own, and no name comes from outside.
    static func sessionRequest(_ bytes: UnsafeRawBufferPointer) throws {
        var head = RequestHead()
        guard head.advance(over: bytes) == .complete else { return }
        var path = ByteBuffer()
        // What does not decode, or holds a zero byte, is refused by the front before it comes so far.
        guard PercentDecoding.decode(UnsafeRawBufferPointer(rebasing: bytes[head.path]), into: &path),
            path.withUnsafeReadableBytes({ !$0.contains(0) })
        else { return }
        var buffer = ByteBuffer()
        let isWritten = path.withUnsafeReadableBytes { path in
            SessionRequestEncoder.encode(
                head,
                bytes,
                pathInfo: path,
                facts: Self.facts(head, bytes),
                into: &buffer
            )
        }
        guard isWritten else { throw FuzzFinding("a head that was read does not fit its estimate") }
        let length = buffer.readInteger(as: UInt32.self)
        try require(length.map(Int.init) == buffer.readableBytes, "the length is not that of the block")
        let texts = buffer.readableBytesView.split(separator: 0, omittingEmptySubsequences: false)
        try require(texts.count % 2 == 1 && texts.last?.isEmpty == true, "a name has no value")
        var names: Set<[UInt8]> = []
        for index in stride(from: 0, to: texts.count - 1, by: 2) {
            let isName = texts[index].allSatisfy {
                $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
            }
            try require(!texts[index].isEmpty && isName, "a name is \(String(decoding: texts[index], as: UTF8.self))")
            let isNew = names.insert(Array(texts[index])).inserted
            let isField = texts[index].starts(with: "HTTP_".utf8)
            try require(isNew || isField, "\(String(decoding: texts[index], as: UTF8.self)) is there twice")
        }
    }

    private static func facts(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> RequestFacts {
        let origin = ClientOrigin(of: head, bytes, from: PeerFacts(address: "192.0.2.1", port: 4711)) { address in
            address.hasPrefix("192.0.2.")
        }
        let length: Int? =
            switch head.body {
            case .none: 0
            case .bytes(let count): count
            case .chunked, .untilClose: nil
            }
        return RequestFacts(
            origin: origin,
            peerAddress: "192.0.2.1",
            localAddress: "192.0.2.2",
            localPort: 80,
            contentLength: length,
            hasBody: head.body != .none,
            bodyFraming: .untilEnd
        )
    }

    // MARK: Responses

    /// A client reads the head that we write as we read that of the app, and the body ends where the app's ends.
    static func responseHead(_ bytes: UnsafeRawBufferPointer) throws {
        let toHead = bytes.first.map { $0 & 1 == 1 } ?? false
        var head = ResponseHead()
        let progress = head.advance(over: bytes, toHead: toHead)
        var inParts = ResponseHead()
        let first = inParts.advance(over: bytes.parts.0, toHead: toHead)
        let second = first == .needMore ? inParts.advance(over: bytes, toHead: toHead) : first
        try require((progress == .complete) == (second == .complete), "whole: \(progress), in parts: \(second)")
        guard progress == .complete else { return }
        try require(head.byteCount == inParts.byteCount && head.body == inParts.body, "cut heads are other heads")
        let framing = ClientFraming(head.body, clientVersion: .http11)
        var buffer = ByteBuffer()
        let options = ResponseHeadEncoder.Options(
            date: ByteBuffer(string: "Thu, 01 Jan 1970 00:00:00 GMT"),
            productLines: ByteBuffer(string: "Server: fuzz\r\n"),
            keepsAlive: true,
            clientVersion: .http11
        )
        let isWritten =
            head.isInterim
            ? ResponseHeadEncoder.encodeInterim(head, bytes, into: &buffer)
            : ResponseHeadEncoder.encode(head, bytes, framing: framing, options: options, into: &buffer)
        guard isWritten else { throw FuzzFinding("a head that was read does not fit its estimate") }
        var again = ResponseHead()
        let answer = again.advance(over: buffer, toHead: toHead)
        try require(answer == .complete, "the client is sent \(answer)")
        try require(again.byteCount == buffer.readableBytes, "the client reads another head than was written")
        try require(again.status == head.status, "the client reads another status")
        guard !head.isInterim, head.status != 101 else { return }
        try require(Self.agree(again.body, framing), "the client expects \(again.body) where \(framing) follows")
        try Self.relay(head, UnsafeRawBufferPointer(rebasing: bytes[head.byteCount...]), framing)
    }

    private static func agree(_ body: BodyLength, _ framing: ClientFraming) -> Bool {
        switch (body, framing) {
        case (.none, .none), (.none, .bytes(0)), (.bytes(0), .none), (.chunked, .chunksPassed), (.chunked, .chunksMade):
            true
        case (.untilClose, .untilClose), (.untilClose, .unwrappedUntilClose): true
        case (.bytes(let read), .bytes(let sent)): read == sent
        default: false
        }
    }

    /// What follows the head, in two parts, never gives more bytes than it has.
    private static func relay(_ head: ResponseHead, _ rest: UnsafeRawBufferPointer, _ framing: ClientFraming) throws {
        var relay = BodyRelay(head.body, framing: framing)
        var payload = 0
        for part in [rest.parts.0, rest.parts.1] where !part.isEmpty {
            payload += relay.advance(ByteBuffer(bytes: part)).payload
        }
        _ = relay.inputEnded()
        try require(payload <= rest.count, "the body is longer than what was sent")
    }

    // MARK: Bodies

    /// A chunked body gives the same bytes whole, in two parts and looked through, and again when it is encoded anew.
    static func chunkedBody(_ bytes: UnsafeRawBufferPointer) throws {
        let whole = Self.decode([bytes])
        let inParts = Self.decode([bytes.parts.0, bytes.parts.1])
        try require(whole.outcome == inParts.outcome, "whole: \(whole.outcome), in parts: \(inParts.outcome)")
        try require(whole.payload == inParts.payload, "the payload depends on how it was cut")
        var scanner = ChunkedDecoder()
        let scan = scanner.scan(ByteBuffer(bytes: bytes))
        try require(scan.outcome == whole.outcome, "decoded: \(whole.outcome), scanned: \(scan.outcome)")
        try require(scan.payload == whole.payload.readableBytes, "scanning counts another payload")
        try require(scan.length <= bytes.count, "scanning goes beyond the input")
        guard whole.outcome == .finished else { return }
        var encoded = ByteBuffer()
        if whole.payload.readableBytes > 0 { ChunkedEncoder.writeChunk(whole.payload, into: &encoded) }
        ChunkedEncoder.writeEnd(into: &encoded)
        let again = encoded.withUnsafeReadableBytes { Self.decode([$0]) }
        try require(again.outcome == .finished && again.payload == whole.payload, "encoded anew it is another body")
    }

    private static func decode(
        _ parts: [UnsafeRawBufferPointer]
    ) -> (outcome: ChunkedDecoder.Outcome, payload: ByteBuffer) {
        var decoder = ChunkedDecoder()
        var payload = ByteBuffer()
        var outcome = ChunkedDecoder.Outcome.needMore
        for part in parts where outcome == .needMore {
            var input = ByteBuffer(bytes: part)
            outcome = decoder.decode(&input, into: &payload)
        }
        return (outcome, payload)
    }
}
