// SPDX-License-Identifier: MIT

/// Why bytes are not a frame of this protocol; always ends the connection they came on, and only that one.
package enum WireError: Error, Hashable, Sendable {
    /// The length field says more than this type may have in this direction and phase.
    case frameTooLarge(type: UInt8, length: UInt32, limit: UInt32)
    /// A length of zero: there is no room for the type.
    case emptyFrame
    /// A number that is no message, or not one of this direction and phase.
    case unexpectedType(UInt8)
    /// The payload ends inside a field.
    case truncated(type: UInt8)
    /// The payload goes on after its last field.
    case trailingBytes(type: UInt8, count: Int)
    /// Text that is not UTF-8.
    case invalidText(type: UInt8)
    /// A field holds a value that has no meaning.
    case invalidValue(type: UInt8, field: String, value: UInt64)
    /// The first frame does not start with the protocol's magic number.
    case wrongMagic(UInt32)
    /// More list elements than the limits allow.
    case tooMany(type: UInt8, field: String, count: UInt64, limit: UInt64)
}

extension WireError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .frameTooLarge(let type, let length, let limit):
            "frame of \(length) bytes is over the limit of \(limit) for \(Self.name(type))"
        case .emptyFrame: "frame without a type"
        case .unexpectedType(let type): "\(Self.name(type)) is not expected here"
        case .truncated(let type): "\(Self.name(type)) ends inside a field"
        case .trailingBytes(let type, let count): "\(Self.name(type)) has \(count) bytes too many"
        case .invalidText(let type): "\(Self.name(type)) holds text that is not UTF-8"
        case .invalidValue(let type, let field, let value): "\(Self.name(type)) has \(value) as its \(field)"
        case .wrongMagic(let magic): "does not speak this protocol (starts with 0x\(String(magic, radix: 16)))"
        case .tooMany(let type, let field, let count, let limit):
            "\(Self.name(type)) has \(count) \(field), the limit is \(limit)"
        }
    }

    private static func name(_ type: UInt8) -> String {
        guard let known = MessageType(rawValue: type) else { return "message 0x\(String(type, radix: 16))" }
        return "message \(known)"
    }
}
