// SPDX-License-Identifier: MIT

/// Checks the extensions of a chunk's size line byte by byte (RFC 9112 §7.1.1); nobody here uses them.
///
///     *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
///
/// Blanks belong to a semicolon or an equals sign: none are allowed before the end of the line.
enum ChunkExtension: Equatable, Sendable {
    /// Blanks behind the size or a value: a semicolon must follow.
    case blanksBeforeSemicolon
    case semicolon
    case name
    case blanksAfterName
    case equals
    case token
    case quoted
    case escaped
    case quotesClosed

    /// The first byte behind the size; nil if no extension begins like that.
    init?(first byte: UInt8) {
        switch byte {
        case UInt8(ascii: ";"): self = .semicolon
        case ByteClass.space, ByteClass.tab: self = .blanksBeforeSemicolon
        default: return nil
        }
    }

    /// The line may end here.
    var mayEnd: Bool {
        switch self {
        case .name, .token, .quotesClosed: true
        case .blanksBeforeSemicolon, .semicolon, .blanksAfterName, .equals, .quoted, .escaped: false
        }
    }

    /// What is there with the next byte, which is not the end of the line; nil if it breaks the syntax.
    func next(_ byte: UInt8) -> ChunkExtension? {
        let isBlank = byte == ByteClass.space || byte == ByteClass.tab
        switch self {
        case .blanksBeforeSemicolon, .quotesClosed:
            return isBlank ? .blanksBeforeSemicolon : byte == UInt8(ascii: ";") ? .semicolon : nil
        case .semicolon: return isBlank ? self : ByteClass.isToken(byte) ? .name : nil
        case .name, .blanksAfterName:
            if isBlank { return .blanksAfterName }
            if byte == UInt8(ascii: "=") { return .equals }
            if byte == UInt8(ascii: ";") { return .semicolon }
            return self == .name && ByteClass.isToken(byte) ? .name : nil
        case .equals:
            if isBlank { return self }
            return byte == UInt8(ascii: "\"") ? .quoted : ByteClass.isToken(byte) ? .token : nil
        case .token:
            if isBlank { return .blanksBeforeSemicolon }
            return byte == UInt8(ascii: ";") ? .semicolon : ByteClass.isToken(byte) ? .token : nil
        case .quoted:
            if byte == UInt8(ascii: "\"") { return .quotesClosed }
            if byte == UInt8(ascii: "\\") { return .escaped }
            return ByteClass.isText(byte) ? self : nil
        case .escaped: return ByteClass.isText(byte) ? .quoted : nil
        }
    }
}
