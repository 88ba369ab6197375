// SPDX-License-Identifier: MIT

import TestSupport

/// A client of RFC 6455 that sends and reads whole texts of at most 125 bytes.
final class WebSocketClient {
    private let connection: HTTPConnection

    init(port: UInt16, host: String, path: String) throws {
        connection = try HTTPConnection(port: port)
        // Key and answer of RFC 6455 §1.3.
        let response = try connection.get(
            path,
            host: host,
            headers: "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )
        guard response.status == 101, response.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
            throw HTTPConnection.Failure.malformed("\(response.status) \(response.headers)")
        }
    }

    func send(_ text: String) throws { try send(0x81, Array(text.utf8)) }

    /// Says goodbye and reads the other side's.
    func close() throws {
        try send(0x88, [0x03, 0xE8])
        while try readFrame().kind != 8 {}
    }

    func read() throws -> String { String(decoding: try readFrame().bytes, as: UTF8.self) }

    private func send(_ first: UInt8, _ bytes: [UInt8]) throws {
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        let masked = bytes.enumerated().map { $0.element ^ mask[$0.offset % 4] }
        try connection.send([first, 0x80 | UInt8(bytes.count)] + mask + masked)
    }

    private func readFrame() throws -> (kind: UInt8, bytes: [UInt8]) {
        let head = try connection.read(2)
        return (head[0] & 15, try connection.read(Int(head[1] & 127)))
    }
}
