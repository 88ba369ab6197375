// SPDX-License-Identifier: MIT

package import AppSettings

/// Where the front accepts connections.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// `host` is a numeric address, for IPv6 without brackets.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// Reads `HOST:PORT`, `PORT`, `:PORT`, `*:PORT`, `[v6]:PORT` or `unix:/path`; a host alone gets port 80.
    package init(_ text: String) throws(ValueError) {
        guard !text.isEmpty else { throw ValueError("is empty") }
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard path.utf8.first == UInt8(ascii: "/") else {
                throw ValueError("the path after unix: must begin with /")
            }
            // sun_path of unix(7) holds 108 bytes with the NUL at its end.
            guard path.utf8.count < 108 else { throw ValueError("the path is longer than 107 bytes") }
            self = .unix(path: path)
            return
        }
        guard !text.hasPrefix("[") else {
            self = try Self.bracketed(text)
            return
        }
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            Substring($0)
        }
        switch parts.count {
        case 1:
            if let port = UInt16(text) {
                self = .tcp(host: Self.anyIPv4, port: try Self.port(port))
            } else {
                self = .tcp(host: try Self.host(parts[0]), port: 80)
            }
        case 2:
            guard let port = UInt16(parts[1]) else { throw ValueError("\"\(parts[1])\" is no port number") }
            self = .tcp(host: try Self.host(parts[0]), port: port)
        default:
            throw ValueError("an IPv6 address needs brackets: [\(text)]:PORT")
        }
    }

    /// `host:port` as people write it, with brackets around an IPv6 address.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    package var port: UInt16? {
        guard case .tcp(_, let port) = self else { return nil }
        return port
    }

    /// Whether a socket on this address also takes the connections to `other`.
    package func covers(_ other: ListenAddress) -> Bool {
        guard case .tcp(let host, let port) = self, case .tcp(let otherHost, let otherPort) = other else {
            return false
        }
        guard port == otherPort, host != otherHost else { return false }
        return host == Self.anyIPv4 && !otherHost.contains(":") || host == "::" && otherHost.contains(":")
    }

    private static let anyIPv4 = "0.0.0.0"

    private static func bracketed(_ text: String) throws(ValueError) -> ListenAddress {
        guard let end = text.firstIndex(of: "]") else { throw ValueError("the closing ] is missing") }
        let host = text[text.index(after: text.startIndex)..<end]
        guard host.contains(":"), host.utf8.allSatisfy(isIPv6Byte) else { throw ValueError("is no IPv6 address") }
        let rest = text[text.index(after: end)...]
        guard !rest.isEmpty else { return .tcp(host: String(host), port: 80) }
        guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()) else { throw ValueError("has no port after ]") }
        return .tcp(host: String(host), port: port)
    }

    private static func isIPv6Byte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
            || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    private static func host(_ text: Substring) throws(ValueError) -> String {
        switch text {
        case "", "*": return anyIPv4
        case "localhost": return "127.0.0.1"
        default:
            let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
            guard numbers.count == 4, numbers.allSatisfy({ UInt8($0) != nil }) else {
                throw ValueError("\"\(text)\" is no numeric address; names are not looked up")
            }
            return String(text)
        }
    }

    /// Port 0 is only good for tests and tools, which write the host as well.
    private static func port(_ port: UInt16) throws(ValueError) -> UInt16 {
        guard port > 0 else { throw ValueError("port 0 needs an address, as in 127.0.0.1:0") }
        return port
    }
}
