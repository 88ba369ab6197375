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
    var addresses: ConnectionAddresses { didSet { origin = ClientOrigin(of: addresses.peer) } }
    /// Who the client is; what the connection shows, until the route of the request says whose word counts.
    private(set) var origin: ClientOrigin
    /// The bytes of the head; empty as long as it is not complete.
    private(set) var bytes = ByteBuffer()
    /// The decoded path, without query.
    private(set) var path = ByteBuffer()
    /// Nothing in the path had to be decoded, and it has no empty or dot segments.
    private var isPathPlain = true

    init(addresses: ConnectionAddresses) {
        self.addresses = addresses
        origin = ClientOrigin(of: addresses.peer)
    }

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
        case .remoteAddress: origin.address
        case .requestMethod: method
        case .requestURI: text(head.pathAndQuery)
        case .scheme: origin.isTLS ? "https" : "http"
        case .serverPort: String(addresses.localPort)
        case .status: String(status)
        case .uri: String(buffer: path)
        }
    }
}

extension ClientRequest {
    /// A text of the configuration for a field of the request that the app gets: bytes that would end it are left out.
    func fieldValue(of text: VariableText) -> String {
        let value = text.expanded { self.value(of: $0, status: 0) }
        guard value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else { return value }
        return String(String.UnicodeScalarView(value.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
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
            let isNormal = path.withUnsafeReadableBytes { PathSegments.areNormal($0) }
            isPathPlain = isNormal && !PercentDecoding.isNeeded(raw)
            guard isNormal else { return routeOfNormalPath(in: hosts, host) }
            return path.withUnsafeReadableBytes { hosts.route(host: host, path: $0) }
        }
    }

    /// Locations hold paths as apps understand them, so that `//admin` and `/x/../admin` lead where `/admin` does.
    ///
    /// Files are looked for by the path as it was sent, unless the base URI could not be taken off that.
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

extension ClientRequest {
    /// The path behind a base URI as the session transport wants it, decoded and as it was sent.
    struct PathInfo {
        /// Empty means `/`.
        var decoded: ByteBuffer
        /// Where it is in the head, behind its first slash; nil if it is the same decoded.
        var sent: Range<Int>?
    }

    /// `base` is the base URI of the request's route.
    func pathInfo(below base: String) -> PathInfo {
        let baseBytes = base.utf8.count
        let plain = PathInfo(decoded: path.getSlice(at: baseBytes, length: path.readableBytes - baseBytes) ?? path)
        if isPathPlain { return plain }
        return bytes.withUnsafeReadableBytes { bytes in
            let raw = UnsafeRawBufferPointer(rebasing: bytes[head.path])
            let found = ByteBuffer(string: base).withUnsafeReadableBytes { BaseURI.end(of: $0, in: raw) }
            guard let end = found, end < raw.count else { return plain }
            // What follows the base URI is a slash, plain or encoded.
            let start = head.path.lowerBound + end + (raw[end] == UInt8(ascii: "/") ? 1 : 3)
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<head.path.upperBound])
            var decoded = ByteBuffer(string: "/")
            // A NUL was refused when the route was looked up.
            _ = PercentDecoding.decode(rest, into: &decoded)
            return PathInfo(
                decoded: decoded,
                sent: PercentDecoding.isNeeded(rest) ? start..<head.path.upperBound : nil
            )
        }
    }

    /// Decides who the client is, by what the peer says if it is trusted.
    func findOrigin(by route: RouteModel) {
        guard isComplete else { return }
        bytes.withUnsafeReadableBytes { bytes in
            origin = ClientOrigin(of: head, bytes, from: addresses.peer, rules: route.realIPRules) { address in
                route.trustedNetworks.contains { $0.contains(address) }
            }
        }
    }
}

extension RouteModel {
    fileprivate var realIPRules: RealIPRules {
        let field: RealIPRules.Field =
            switch realIPHeader {
            case nil: .usual
            case "x-real-ip": .realIP
            case "x-forwarded-for": .forwardedFor
            case "forwarded": .forwarded
            case .some(let name): .other(name)
            }
        return RealIPRules(field: field, isRecursive: realIPRecursive)
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
