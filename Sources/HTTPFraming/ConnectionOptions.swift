// SPDX-License-Identifier: MIT

/// What the `Connection` fields of a message say (RFC 9110 §7.6.1).
package struct ConnectionOptions: Equatable, Sendable {
    package private(set) var close = false
    package private(set) var keepAlive = false
    package private(set) var upgrade = false
    /// Other names were listed: the fields of these names are hop-by-hop too.
    package private(set) var nominatesFields = false

    /// Senders nominate one or two; each is compared with the names of all fields.
    static let maxNominatedNames = 32

    /// Notes the options of one field, and collects other names in `names`: one more than are allowed at most.
    mutating func add(
        _ bytes: UnsafeRawBufferPointer,
        _ value: Range<Int>,
        nominating names: inout [Range<Int>]
    ) {
        var options = self
        ByteClass.forEachElement(bytes, value) { element in
            if ByteClass.matches(bytes, element, "keep-alive") {
                options.keepAlive = true
            } else if ByteClass.matches(bytes, element, "close") {
                options.close = true
            } else if ByteClass.matches(bytes, element, "upgrade") {
                options.upgrade = true
            } else {
                options.nominatesFields = true
                if names.count <= Self.maxNominatedNames { names.append(element) }
            }
        }
        self = options
    }
}

/// Which fields of a message end at this hop.
package enum HopByHop {
    /// Whether `field` must not be forwarded: hop-by-hop by its name, or one of those that its head nominates.
    @inline(__always)
    package static func isDropped(
        _ field: HeaderField,
        nominated names: [Range<Int>],
        _ connection: ConnectionOptions,
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        field.known.isHopByHop || (connection.nominatesFields && Self.isNominated(field, names, bytes))
    }

    /// Framing and routing fields stay even when a sender nominates them, so that it cannot take them away from us.
    private static func isNominated(
        _ field: HeaderField,
        _ names: [Range<Int>],
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        switch field.known {
        case .host, .contentLength, .contentType, .date: return false
        default: return names.contains { ByteClass.isSameName(bytes, $0, field.name) }
        }
    }
}
