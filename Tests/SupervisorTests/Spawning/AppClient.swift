// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport

@testable import Supervisor

/// A stream to an app process, spoken as the front does.
final class AppClient {
    struct Answer {
        let head: String
        let body: String
        /// The rest of the bytes, when the stream ended with this answer.
        let isClosed: Bool
    }

    enum Ended: Error { case beforeHead, silent }

    private let socket: Descriptor
    private var buffer: [UInt8] = []

    init(_ address: AppAddress) throws {
        self.socket =
            switch address {
            case .unix(let path): try UnixSocket.connect(path: path)
            case .tcp(let host, let port, _): try TCPSocket.connect(host: host, port: port, timeout: .seconds(5))
            }
    }

    /// Sends a request of the session transport.
    func request(
        _ method: String,
        _ uri: String,
        _ variables: [(String, String)] = [],
        body: [UInt8] = [],
        pathInfo: String? = nil
    ) throws {
        let path = String(uri.prefix { $0 != "?" })
        let query = uri.dropFirst(path.count + 1)
        let all = [
            ("REQUEST_METHOD", method), ("REQUEST_URI", uri), ("SCRIPT_NAME", ""), ("PATH_INFO", pathInfo ?? path),
            ("QUERY_STRING", String(query)), ("SERVER_PROTOCOL", "HTTP/1.1"), ("SERVER_NAME", "localhost"),
            ("SERVER_PORT", "80"), ("REMOTE_ADDR", "127.0.0.1"), ("HTTP_HOST", "localhost"),
        ]
        let block = (all + variables).flatMap { Array("\($0.0)\0\($0.1)\0".utf8) }
        let length = UInt32(block.count)
        let prefix = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        try self.socket.writeAll(prefix + block + body)
    }

    func send(_ text: String) throws { try self.socket.writeAll(text) }
    func send(_ bytes: [UInt8]) throws { try self.socket.writeAll(bytes) }
    func finishSending() throws { try self.socket.shutdownWrite() }

    /// Reads one answer, up to its end as its head says, or up to the end of the stream.
    func answer(headOnly: Bool = false) throws -> Answer {
        let head = try self.head()
        if headOnly || head.contains(" 204 ") { return Answer(head: head, body: "", isClosed: false) }
        if let length = self.length(in: head) {
            while self.buffer.count < length, try self.more() {}
            let body = String(decoding: self.buffer.prefix(length), as: UTF8.self)
            let isWhole = self.buffer.count >= length
            self.buffer.removeFirst(min(length, self.buffer.count))
            return Answer(head: head, body: body, isClosed: !isWhole)
        }
        if head.lowercased().contains("transfer-encoding: chunked") {
            let end = Array("0\r\n\r\n".utf8)
            while self.buffer.suffix(5) != end[...], try self.more() {}
            defer { self.buffer = [] }
            return Answer(head: head, body: String(decoding: self.buffer, as: UTF8.self), isClosed: false)
        }
        while try self.more() {}
        defer { self.buffer = [] }
        return Answer(head: head, body: String(decoding: self.buffer, as: UTF8.self), isClosed: true)
    }

    /// Whether the other side closes; waits for it.
    func isClosedByApp() throws -> Bool { try !self.more() }

    private func head() throws -> String {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let index = self.buffer.indices.first(where: { self.buffer[$0...].starts(with: end) }) {
                let head = String(decoding: self.buffer[..<index], as: UTF8.self)
                self.buffer.removeFirst(index + 4)
                return head
            }
            guard try self.more() else { throw Ended.beforeHead }
        }
    }

    private func length(in head: String) -> Int? {
        head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
    }

    private func more() throws -> Bool {
        guard try Poll.wait(self.socket.rawValue, for: .readable, timeout: .seconds(20)) != [] else {
            throw Ended.silent
        }
        let bytes = try self.socket.readSome(limit: 65_536)
        self.buffer += bytes
        return !bytes.isEmpty
    }
}
