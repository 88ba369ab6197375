// SPDX-License-Identifier: MIT

import LinuxSystem

/// What a server answered.
package struct HTTPResponse: Sendable {
    package let status: Int
    /// Names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var text: String { String(decoding: body, as: UTF8.self) }

    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// Value of a `name: value` line of the page.
    package func field(_ name: String) -> String? {
        for line in text.split(separator: "\n") where line.hasPrefix("\(name): ") {
            return String(line.dropFirst(name.utf8.count + 2))
        }
        return nil
    }

    /// A page that holds nothing but a process id.
    package var pid: Int32? {
        field("pid").flatMap { Int32($0) } ?? Int32(text.drop { $0 == " " }.prefix { $0.isNumber })
    }
}

/// A client connection over a blocking socket; every wait has a limit.
package final class HTTPConnection {
    package enum Failure: Error, CustomStringConvertible {
        case closed(after: String)
        case silent
        case malformed(String)

        package var description: String {
            switch self {
            case .closed(let received): "the connection was closed after \"\(received)\""
            case .silent: "no answer in time"
            case .malformed(let text): "this is no response: \(text)"
            }
        }
    }

    private let descriptor: Descriptor
    private let limit: Duration
    private var buffer: [UInt8] = []
    private var position = 0

    package init(port: UInt16, limit: Duration = .seconds(60)) throws {
        descriptor = try TCPSocket.connect(host: "127.0.0.1", port: port, timeout: limit)
        self.limit = limit
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws { try descriptor.writeAll(bytes) }

    package func finishSending() throws { try descriptor.shutdownWrite() }

    /// Sends a request without a body and reads the answer; the connection stays open.
    package func get(_ path: String, host: String = "localhost", headers: String = "") throws -> HTTPResponse {
        try send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(headers)\r\n")
        return try readResponse()
    }

    /// Reads one response, interim ones (1xx) included; with `toHead` only its head.
    package func readResponse(toHead: Bool = false) throws -> HTTPResponse {
        let head = try readHead()
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: true)
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure.malformed(String(head.prefix(200)))
        }
        let headers = lines.dropFirst().map { line in
            let name = line.prefix { $0 != ":" }
            let value = line.dropFirst(name.count + 1).drop { $0 == " " }
            return (name: name.lowercased(), value: String(value))
        }
        let body = try readBody(status: status, headers: headers, toHead: toHead)
        return HTTPResponse(status: status, headers: headers, body: body)
    }

    /// Reads to the end of the stream.
    package func readToEnd() throws -> [UInt8] {
        while try receive() {}
        return take(buffer.count - position)
    }

    /// True once the other side has closed, without a byte more.
    package func isClosed(within limit: Duration = .seconds(10)) throws -> Bool {
        guard position == buffer.count else { return false }
        guard try !Poll.wait(descriptor.rawValue, for: .readable, timeout: limit).isEmpty else { return false }
        return try !receive()
    }

    /// True if nothing comes for so long.
    package func isSilent(for time: Duration) throws -> Bool {
        try position == buffer.count && Poll.wait(descriptor.rawValue, for: .readable, timeout: time).isEmpty
    }

    private func readBody(status: Int, headers: [(name: String, value: String)], toHead: Bool) throws -> [UInt8] {
        func value(_ name: String) -> String? { headers.first { $0.name == name }?.value }
        if toHead || status < 200 || status == 204 || status == 304 { return [] }
        if value("transfer-encoding")?.lowercased() == "chunked" { return try readChunks() }
        guard let length = value("content-length").flatMap({ Int($0) }) else { return try readToEnd() }
        return try read(length)
    }

    private func readChunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let chunk = try readChunk()
            if chunk.isEmpty { return body }
            body += chunk
        }
    }

    /// Reads the next chunk of a body that comes in chunks; empty at its end, with the trailer read.
    package func readChunk() throws -> [UInt8] {
        let line = try readLine()
        guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else { throw Failure.malformed(line) }
        if size == 0 {
            while try !readLine().isEmpty {}
            return []
        }
        let chunk = try read(size)
        guard try readLine().isEmpty else { throw Failure.malformed("no line end after a chunk") }
        return chunk
    }

    private func readHead() throws -> String {
        var head = ""
        while true {
            let line = try readLine()
            if line.isEmpty {
                if head.isEmpty { continue }
                return head
            }
            head += line + "\r\n"
        }
    }

    /// A line without its CR LF.
    private func readLine() throws -> String {
        while true {
            if let end = buffer[position...].firstIndex(of: 10) {
                let bytes = take(end + 1 - position)
                return String(decoding: bytes.dropLast(bytes.suffix(2) == [13, 10] ? 2 : 1), as: UTF8.self)
            }
            guard try receive() else { throw closed() }
        }
    }

    /// The next bytes, whatever they mean.
    package func read(_ count: Int) throws -> [UInt8] {
        while buffer.count - position < count {
            guard try receive() else { throw closed() }
        }
        return take(count)
    }

    private func closed() -> Failure {
        .closed(after: String(decoding: buffer[position...].suffix(200), as: UTF8.self))
    }

    private func take(_ count: Int) -> [UInt8] {
        let bytes = Array(buffer[position..<position + count])
        position += count
        if position == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            position = 0
        }
        return bytes
    }

    /// False at the end of the stream.
    private func receive() throws -> Bool {
        guard try !Poll.wait(descriptor.rawValue, for: .readable, timeout: limit).isEmpty else { throw Failure.silent }
        let bytes = try descriptor.readSome(limit: 65_536)
        buffer += bytes
        return !bytes.isEmpty
    }
}
