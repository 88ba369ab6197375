// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore

/// Reads requests from pieces of bytes, the way a connection does.
struct RequestReader {
    private var buffer = ByteBuffer()
    private var head = RequestHead()
    private var isInBody = false
    private var content = ByteBuffer()
    private var remaining = 0
    private var chunked = ChunkedDecoder()
    private var current: Fixture.Expected.Request?
    private(set) var requests: [Fixture.Expected.Request] = []
    private(set) var error: FramingError?

    static func read(_ pieces: [ArraySlice<UInt8>]) -> RequestReader {
        var reader = RequestReader()
        for piece in pieces { reader.take(piece) }
        return reader
    }

    mutating func take(_ piece: ArraySlice<UInt8>) {
        self.buffer.writeBytes(piece)
        while self.error == nil, self.buffer.readableBytes > 0 {
            let progressed = self.isInBody ? self.takeBody() : self.takeHead()
            if !progressed { return }
        }
    }

    private mutating func takeHead() -> Bool {
        switch self.head.advance(over: self.buffer) {
        case .needMore: return false
        case .failed(let error):
            self.error = error
            return false
        case .complete:
            self.current = self.buffer.withUnsafeReadableBytes { Self.describe(self.head, $0) }
            self.buffer.moveReaderIndex(forwardBy: self.head.byteCount)
            self.isInBody = true
            self.content.clear()
            self.chunked = ChunkedDecoder()
            self.remaining = if case .bytes(let count) = self.head.body { count } else { 0 }
            if self.head.body == .none { self.finish() }
            return true
        }
    }

    private mutating func takeBody() -> Bool {
        if self.head.body == .chunked {
            switch self.chunked.decode(&self.buffer, into: &self.content) {
            case .needMore: return false
            case .failed(let error):
                self.error = error
                return false
            case .finished: self.finish()
            }
        } else {
            let count = min(self.remaining, self.buffer.readableBytes)
            self.content.writeBytes(self.buffer.readBytes(length: count) ?? [])
            self.remaining -= count
            if self.remaining == 0 { self.finish() }
        }
        return true
    }

    private mutating func finish() {
        guard var request = self.current else { return }
        request.content = String(buffer: self.content)
        self.requests.append(request)
        self.head.reset()
        self.isInBody = false
    }

    private static func describe(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> Fixture.Expected.Request {
        // Latin-1, so that every byte shows.
        func text(_ range: Range<Int>) -> String {
            String(String.UnicodeScalarView(bytes[range].map { UnicodeScalar($0) }))
        }
        let body =
            switch head.body {
            case .none: "none"
            case .bytes(let count): String(count)
            case .chunked: "chunked"
            case .untilClose: "untilClose"
            }
        return Fixture.Expected.Request(
            method: text(head.methodName),
            path: text(head.path),
            query: head.query.map(text),
            version: head.version == .http11 ? "1.1" : "1.0",
            host: head.host.map(text),
            fields: head.fields.map { [text($0.name), text($0.value)] },
            body: body,
            content: "",
            keepAlive: head.allowsKeepAlive,
            expectsContinue: head.expectsContinue ? true : nil,
            wantsUpgrade: head.wantsUpgrade ? true : nil
        )
    }
}
