// SPDX-License-Identifier: MIT

/// What the `Connection` fields of a message say (RFC 9110 §7.6.1).
package struct ConnectionOptions: Equatable, Sendable {
    package private(set) var close = false
    package private(set) var keepAlive = false
    package private(set) var upgrade = false
    /// Other names were listed: the fields of these names are hop-by-hop too.
    package private(set) var nominatesFields = false

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) {
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
            }
        }
        self = options
    }
}

/// Which fields of a message end at this hop.
package enum HopByHop {
    /// Whether `field` must not be forwarded: hop-by-hop by its name, or named by a `Connection` field of its head.
    @inline(__always)
    package static func isDropped(
        _ field: HeaderField,
        in fields: [HeaderField],
        _ connection: ConnectionOptions,
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        field.known.isHopByHop || (connection.nominatesFields && Self.isNominated(field, in: fields, bytes))
    }

    /// Framing and routing fields stay even when a sender nominates them, so that it cannot take them away from us.
    private static func isNominated(
        _ field: HeaderField,
        in fields: [HeaderField],
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        switch field.known {
        case .host, .contentLength, .contentType, .date: return false
        default: break
        }
        var nominated = false
        for connection in fields where connection.known == .connection {
            ByteClass.forEachElement(bytes, connection.value) { element in
                guard element.count == field.name.count else { return }
                let same = zip(element, field.name).allSatisfy { bytes[$0] | 0x20 == bytes[$1] | 0x20 }
                nominated = nominated || same
            }
        }
        return nominated
    }
}
