// SPDX-License-Identifier: MIT

/// What values a setting takes.
package enum SettingKind: Sendable, Hashable {
    case flag
    case text
    /// A path that is relative to nothing: begins with `/`.
    case absolutePath
    case path
    /// `/` or `/prefix` without slash at the end.
    case uriPrefix
    case integer(ClosedRange<Int>)
    /// `off`, a number, or `on`, which means this number.
    case count(ClosedRange<Int>, on: Int)
    case size
    case duration(minimum: Duration)
    /// One of these, or a synonym of one.
    case choice([String], synonyms: [String: String] = [:])
    case appType
    /// `NAME=VALUE`; two arguments in the config.
    case nameAndValue
    case ipAddress

    /// The value in a form in which equal meanings are equal texts (`1m` and `60`: both `60000ms`).
    package func normalized(_ value: String) throws(ValueError) -> String {
        guard self == .nameAndValue || !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw ValueError("contains a control character")
        }
        switch self {
        case .flag: return try ValueParsers.flag(value) ? "on" : "off"
        case .integer(let bounds): return String(try ValueParsers.integer(value, in: bounds))
        case .count(let bounds, let standard): return String(try Self.count(value, in: bounds, on: standard))
        case .size: return String(try ValueParsers.size(value))
        case .duration(let minimum): return try Self.duration(value, minimum: minimum)
        case .choice(let choices, let synonyms):
            // Names from outside are the same only byte for byte.
            if let choice = choices.first(where: value.isExactly) { return choice }
            if let synonym = synonyms.first(where: { value.isExactly($0.key) }) { return synonym.value }
            throw ValueError("must be one of \((choices + synonyms.keys.sorted()).joined(separator: ", "))")
        case .appType: return try Self.appType(value)
        case .text, .path:
            guard !value.isEmpty else { throw ValueError("is empty") }
            return value
        case .absolutePath: return try Self.absolutePath(value)
        case .uriPrefix: return try Self.uriPrefix(value)
        case .nameAndValue: return try Self.nameAndValue(value)
        case .ipAddress: return try Self.ipAddress(value)
        }
    }

    private static func count(_ value: String, in bounds: ClosedRange<Int>, on standard: Int) throws(ValueError) -> Int
    {
        guard Int(value) == nil else { return try ValueParsers.integer(value, in: bounds) }
        do throws(ValueError) {
            return try ValueParsers.flag(value) ? standard : 0
        } catch {
            throw ValueError("must be \"on\", \"off\" or a number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
    }

    private static func duration(_ value: String, minimum: Duration) throws(ValueError) -> String {
        let duration = try ValueParsers.duration(value)
        guard duration >= minimum else {
            throw ValueError("must be at least \(minimum.wholeMilliseconds / 1_000) s")
        }
        return "\(duration.wholeMilliseconds)ms"
    }

    private static func appType(_ value: String) throws(ValueError) -> String {
        guard let type = AppType(settingValue: value) else {
            throw ValueError("is no app type; known are rack, wsgi, asgi, classic-rails, node and generic")
        }
        return type.rawValue
    }

    /// Takes slashes off the end, so that a group does not depend on how its root was written.
    private static func absolutePath(_ value: String) throws(ValueError) -> String {
        guard value.utf8.first == UInt8(ascii: "/") else { throw ValueError("must begin with /") }
        var path = value.utf8[...]
        while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
        return String(Substring(path))
    }

    private static func uriPrefix(_ value: String) throws(ValueError) -> String {
        let prefix = try absolutePath(value)
        guard !prefix.contains("//"), !prefix.contains("?"), !prefix.contains("#") else {
            throw ValueError("is no URL path")
        }
        guard !prefix.pathComponents.contains(where: { $0 == "." || $0 == ".." }) else {
            throw ValueError("must not contain . or .. as a component")
        }
        return prefix
    }

    private static func nameAndValue(_ value: String) throws(ValueError) -> String {
        guard let separator = value.utf8.firstIndex(of: UInt8(ascii: "=")), separator != value.startIndex else {
            throw ValueError("must be a name and a value")
        }
        guard !value.utf8.contains(0) else { throw ValueError("contains a NUL byte") }
        guard !value[..<separator].utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
            throw ValueError("has a space or control character in the variable's name")
        }
        return value
    }

    private static func ipAddress(_ value: String) throws(ValueError) -> String {
        let isNumeric = value.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
        }
        guard isNumeric, value.contains(".") || value.contains(":") else {
            throw ValueError("is not a numeric IP address")
        }
        return value
    }
}
