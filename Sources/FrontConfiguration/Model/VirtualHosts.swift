// SPDX-License-Identifier: MIT

/// The servers of one listening address; looked up once per connection, asked once per request.
package final class VirtualHosts: Sendable {
    package let listen: ListenAddress
    /// Takes requests whose host no server claims.
    package let defaultServer: ServerModel
    private let hasOneServer: Bool
    private let exact: [UInt64: [Name]]
    /// Suffixes with their dot (`.example.org`), the longest first.
    private let wildcards: [Name]

    private struct Name: Sendable {
        let bytes: [UInt8]
        let server: ServerModel
    }

    /// `servers` are those that listen on the address, in the order of the file.
    init(listen: ListenAddress, servers: [ServerModel], defaultServer: ServerModel) {
        self.listen = listen
        self.defaultServer = defaultServer
        hasOneServer = servers.count <= 1
        var exact: [UInt64: [Name]] = [:]
        var wildcards: [Name] = []
        for server in servers {
            for name in server.names {
                if name.hasPrefix("*.") {
                    wildcards.append(Name(bytes: Array(name.utf8.dropFirst()), server: server))
                } else {
                    let bytes = Array(name.utf8)
                    let hash = bytes.withUnsafeBytes { Self.hash($0[...]) }
                    exact[hash, default: []].append(Name(bytes: bytes, server: server))
                }
            }
        }
        self.exact = exact
        self.wildcards = wildcards.sorted { $0.bytes.count > $1.bytes.count }
    }

    /// The route of a request: `host` as it came, with or without port, may be empty; `path` decoded, without query.
    package func route(host: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer) -> RouteModel {
        server(host: host).route(path: path)
    }

    package func route(host: String, path: String) -> RouteModel {
        var (host, path) = (host, path)
        return host.withUTF8 { host in
            path.withUTF8 { path in route(host: UnsafeRawBufferPointer(host), path: UnsafeRawBufferPointer(path)) }
        }
    }

    package func server(host: UnsafeRawBufferPointer) -> ServerModel {
        guard !hasOneServer else { return defaultServer }
        let name = Self.withoutPort(host)
        guard !name.isEmpty else { return defaultServer }
        for candidate in exact[Self.hash(name)] ?? [] where Self.equal(name, candidate.bytes) {
            return candidate.server
        }
        for candidate in wildcards where name.count > candidate.bytes.count {
            if Self.equal(name.suffix(candidate.bytes.count), candidate.bytes) { return candidate.server }
        }
        return defaultServer
    }

    /// Takes off the port and the dot at the end of a fully qualified name.
    private static func withoutPort(_ host: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        var name = host[...]
        if name.first == UInt8(ascii: "[") {
            if let end = name.firstIndex(of: UInt8(ascii: "]")) { name = name[...end] }
        } else if let colon = name.firstIndex(of: UInt8(ascii: ":")) {
            name = name[..<colon]
        }
        if name.count > 1, name.last == UInt8(ascii: ".") { name.removeLast() }
        return name
    }

    /// FNV-1a over the lower-case bytes; only spreads names, which the configuration alone chooses.
    private static func hash(_ name: Slice<UnsafeRawBufferPointer>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name { hash = (hash ^ UInt64(lowercased(byte))) &* 0x100_0000_01B3 }
        return hash
    }

    private static func equal(_ name: Slice<UnsafeRawBufferPointer>, _ lower: [UInt8]) -> Bool {
        guard name.count == lower.count else { return false }
        var index = 0
        for byte in name {
            guard lowercased(byte) == lower[index] else { return false }
            index += 1
        }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
