// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import NIOCore

/// One request as it was received: its head, the bytes of that, and what can be read in them.
///
/// A class, because it goes from the connection that reads it to the exchange that answers it, and back to the loop,
/// which keeps a few for the storage in them.
final class ClientRequest {
    private static let keptBytes = 16 * 1024

    var head = RequestHead()
    var addresses: ConnectionAddresses
    /// The bytes of the head; empty as long as it is not complete.
    private(set) var bytes = ByteBuffer()
    /// The decoded path, without query.
    private(set) var path = ByteBuffer()

    init(addresses: ConnectionAddresses) { self.addresses = addresses }

    /// Forgets everything but the storage.
    func reset() {
        head.reset()
        if bytes.storageCapacity > Self.keptBytes { bytes = ByteBuffer() } else { bytes.clear() }
        if path.storageCapacity > Self.keptBytes { path = ByteBuffer() } else { path.clear() }
    }

    /// Moves the complete head out of what came from the client.
    func takeHead(from inbound: inout ByteBuffer) {
        bytes.clear()
        inbound.withUnsafeReadableBytes { all in
            _ = bytes.writeBytes(UnsafeRawBufferPointer(rebasing: all[..<head.byteCount]))
        }
        inbound.moveReaderIndex(forwardBy: head.byteCount)
    }

    /// Positions in a head that was never complete mean nothing.
    var isComplete: Bool { bytes.readableBytes > 0 }
    var isForFile: Bool { head.method == .get || head.method == .head }

    /// A piece of the head as text; empty if the head was never complete.
    func text(_ range: Range<Int>) -> String {
        bytes.withUnsafeReadableBytes { bytes in
            guard range.upperBound <= bytes.count else { return "" }
            return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
    }

    /// nil if the head was never complete.
    func slice(_ range: Range<Int>) -> ByteBuffer? { bytes.getSlice(at: range.lowerBound, length: range.count) }

    var method: String { text(head.methodName) }
    var rawPath: String { text(head.path) }

    /// The name that the client asked for, without port.
    var hostName: String {
        let host = head.host.map(text) ?? addresses.local
        guard let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")), !host.hasSuffix("]") else { return host }
        return String(host[..<colon])
    }

    func value(of variable: VariableText.Variable, status: Int) -> String {
        switch variable {
        case .args, .queryString: head.query.map(text) ?? ""
        case .isArgs: head.query.map { $0.isEmpty ? "" : "?" } ?? ""
        case .host, .serverName: hostName
        case .remoteAddress: addresses.remote
        case .requestMethod: method
        case .requestURI: text(head.pathAndQuery)
        case .scheme: "http"
        case .serverPort: String(addresses.localPort)
        case .status: String(status)
        case .uri: String(buffer: path)
        }
    }
}

// MARK: Routing

extension ClientRequest {
    /// Decodes the path and looks the route up; nil if the path holds a NUL.
    func route(in hosts: VirtualHosts) -> RouteModel? {
        bytes.withUnsafeReadableBytes { bytes in
            let raw = UnsafeRawBufferPointer(rebasing: bytes[head.path])
            path.clear()
            guard PercentDecoding.decode(raw, into: &path) else { return nil }
            if raw.isEmpty { path.writeStaticString("/") }
            let host = UnsafeRawBufferPointer(rebasing: bytes[head.host ?? 0..<0])
            let route = path.withUnsafeReadableBytes { path in
                PathSegments.areNormal(path) ? hosts.route(host: host, path: path) : nil
            }
            return route ?? routeOfNormalPath(in: hosts, host)
        }
    }

    /// Locations hold paths as apps understand them, so that `//admin` and `/x/../admin` lead where `/admin` does.
    ///
    /// The app gets the path as it was sent, unless its base URI could not be taken off that.
    private func routeOfNormalPath(in hosts: VirtualHosts, _ host: UnsafeRawBufferPointer) -> RouteModel {
        var normal = ByteBuffer()
        path.withUnsafeReadableBytes { PathSegments.normalize($0, into: &normal) }
        let route = normal.withUnsafeReadableBytes { hosts.route(host: host, path: $0) }
        let base = route.baseURI.utf8
        let sent = path.readableBytesView
        if !base.isEmpty, !sent.starts(with: base) || sent.dropFirst(base.count).first != UInt8(ascii: "/") {
            path = normal
        }
        return route
    }
}

// MARK: What the client likes to read

extension ClientRequest {
    var pageFormat: PageFormat { PageFormat.choice(for: acceptField, sendsJSON: sendsJSON) }

    /// Whether a page that exists as HTML only will do.
    var welcomesHTML: Bool { acceptField.welcomesHTML(sendsJSON: sendsJSON) }

    private var acceptField: AcceptField {
        guard isComplete else { return AcceptField([]) }
        return AcceptField(head.fields(.accept).map { text($0.value) })
    }

    /// The client speaks JSON if its request does.
    private var sendsJSON: Bool {
        guard let field = head.field(.contentType), isComplete else { return false }
        let type = text(field.value).lowercased()
        return type.hasPrefix("application/json") || type.contains("+json")
    }
}
