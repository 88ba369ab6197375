// SPDX-License-Identifier: MIT

/// An identifier that is a number on the wire, of any value.
package protocol WireNumber: Hashable, Sendable {
    associatedtype RawValue: FixedWidthInteger

    var rawValue: RawValue { get }

    init(rawValue: RawValue)
}

/// One application process; random, and unique across successive daemon cores.
package struct ProcessID: WireNumber {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The right to use one process once; random, and unique across successive daemon cores.
package struct SessionID: WireNumber {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// One stream that the daemon relays; unique for one core.
package struct StreamNumber: WireNumber {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A checkout, numbered by the front; unique among the outstanding ones of one control connection.
package struct RequestID: WireNumber {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// An app, numbered by the front for one control connection.
package struct AppNumber: WireNumber {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// Unguessable; whoever shows it may attach streams to one process on behalf of one control connection.
package struct StreamToken: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Unguessable; ties the connections of a front's worker to the manifest that its master sent.
package struct WorkerToken: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

// Ids and tokens are hexadecimal in logs. Tokens are secrets: there is no description that would print one whole.
extension ProcessID: CustomStringConvertible {
    package var description: String { hexadecimal(self.rawValue) }
}

extension SessionID: CustomStringConvertible {
    package var description: String { hexadecimal(self.rawValue) }
}

extension RequestID: CustomStringConvertible {
    package var description: String { String(self.rawValue) }
}

extension AppNumber: CustomStringConvertible {
    package var description: String { String(self.rawValue) }
}

extension StreamToken: CustomStringConvertible {
    package var description: String { "stream token (hidden)" }
}

extension WorkerToken: CustomStringConvertible {
    package var description: String { "worker token (hidden)" }
}

private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}
