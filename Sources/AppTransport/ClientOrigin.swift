// SPDX-License-Identifier: MIT

package import HTTPFraming

/// What a connection shows about the peer at its other end.
package struct PeerFacts: Sendable {
    /// Numeric; `unix:` for a Unix socket.
    package var address: String
    /// 0 for a Unix socket.
    package var port: Int
    package var isTLS: Bool
    /// The peer's socket belongs to an account whose word about requests counts (`PeerTrust`).
    package var isTrustedAccount: Bool

    package init(address: String, port: Int, isTLS: Bool = false, isTrustedAccount: Bool = false) {
        self.address = address
        self.port = port
        self.isTLS = isTLS
        self.isTrustedAccount = isTrustedAccount
    }

    package var isUnix: Bool { address == "unix:" }
}

/// Where trusted peers say who the client is (`real_ip_header`, `real_ip_recursive`).
package struct RealIPRules: Sendable {
    package enum Field: Sendable, Equatable {
        /// `X-Forwarded-For`, which every proxy that is one sets, else `X-Real-IP`.
        case usual
        case realIP
        case forwardedFor
        case forwarded
        /// Another field; lower case.
        case other(String)
    }

    package var field: Field
    /// Addresses that are trusted themselves are passed over, from the last one on.
    package var isRecursive: Bool

    package init(field: Field = .usual, isRecursive: Bool = false) {
        self.field = field
        self.isRecursive = isRecursive
    }
}

/// Where a request came from: one decision for access log, app of every type, and scheme.
///
/// What a trusted peer says counts, its fields are kept and extended. Of any other peer they are replaced by what the
/// connection shows.
package struct ClientOrigin: Sendable, Equatable {
    /// Numeric address of the client; `unix:` if nothing but a Unix socket is known of it.
    package let address: String
    /// 0 if it is not known.
    package let port: Int
    package let isTLS: Bool
    /// `X-Forwarded-*`, `Forwarded` and `X-Real-IP` of the request are passed on.
    package let keepsFields: Bool
    /// A field said something, and the peer is not one whose word counts.
    package let hasIgnoredFields: Bool

    /// A request whose peer says nothing, or is not to be believed.
    package init(of peer: PeerFacts, hasIgnoredFields: Bool = false) {
        address = peer.address
        port = peer.port
        isTLS = peer.isTLS
        keepsFields = false
        self.hasIgnoredFields = hasIgnoredFields
    }

    /// `isTrustedAddress` is asked about numeric addresses and `unix:`, of the peer and of proxies before it.
    package init(
        of head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        from peer: PeerFacts,
        rules: RealIPRules = RealIPRules(),
        isTrustedAddress: (String) -> Bool
    ) {
        let saysAnything = head.fields.contains { $0.known.isForwarded || Self.isSource($0, rules, bytes) }
        guard saysAnything else {
            self.init(of: peer)
            return
        }
        guard peer.isTrustedAccount || isTrustedAddress(peer.address) else {
            self.init(of: peer, hasIgnoredFields: true)
            return
        }
        let fields = ForwardedReader(fields: head.fields, bytes: bytes)
        let client = fields.client(rules, isTrustedAddress: isTrustedAddress)
        self.init(
            address: client?.address ?? peer.address,
            // The peer's port would be wrong for another address.
            port: client.map { $0.port ?? 0 } ?? peer.port,
            isTLS: fields.isTLS(rules) ?? peer.isTLS,
            keepsFields: true
        )
    }

    private init(address: String, port: Int, isTLS: Bool, keepsFields: Bool) {
        self.address = address
        self.port = port
        self.isTLS = isTLS
        self.keepsFields = keepsFields
        hasIgnoredFields = false
    }

    private static func isSource(_ field: HeaderField, _ rules: RealIPRules, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard case .other(let name) = rules.field else { return false }
        return field.known == .other && field.hasName(name, bytes)
    }
}

extension HeaderField {
    /// Without regard to case; `name` is lower case.
    package func hasName(_ name: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard name.utf8.count == Int(nameLength) else { return false }
        return zip(name.utf8, bytes[self.name]).allSatisfy { $0 == $1 || $0 | 0x20 == $1 | 0x20 && $1 > 0x40 }
    }
}
