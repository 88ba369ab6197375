// SPDX-License-Identifier: MIT

import AppSettings

/// What a `location` matches.
struct LocationPattern: Equatable {
    let path: String
    let match: ServerModel.Mount.Match

    /// Reads the arguments of `location`.
    ///
    /// Of regular expressions the one form is known that configurations use for apps below a path,
    /// `~ ^/prefix(/.*|$)`: it means the prefix as a whole component.
    init(arguments: [String]) throws(ValueError) {
        guard arguments.count == 2 else {
            let path = arguments.first ?? ""
            guard !path.hasPrefix("@") else { throw ValueError("named locations are not supported") }
            try self.init(path: path, match: .prefix)
            return
        }
        switch arguments[0] {
        case "=": try self.init(path: arguments[1], match: .exact)
        case "^~": try self.init(path: arguments[1], match: .prefix)
        case "~", "~*":
            guard let prefix = Self.literalPrefix(of: arguments[1]) else {
                throw ValueError("regular expressions are not supported yet; \(Self.advice(on: arguments[1]))")
            }
            try self.init(path: prefix, match: .component)
        default: throw ValueError("\"\(arguments[0])\" is none of =, ^~ and ~")
        }
    }

    private init(path: String, match: ServerModel.Mount.Match) throws(ValueError) {
        guard path.utf8.first == UInt8(ascii: "/") else { throw ValueError("the path must begin with /") }
        self.path = path
        self.match = match
    }

    /// The text of `^/prefix(/.*|$)` and its like; nil for every other expression.
    private static func literalPrefix(of pattern: String) -> String? {
        guard pattern.hasPrefix("^/") else { return nil }
        guard let ending = endings.first(where: pattern.hasSuffix) else { return nil }
        return literal(pattern.dropFirst().dropLast(ending.count)).map { Paths.trimmed($0) }
    }

    /// How "the prefix as a whole component" is written.
    private static let endings = ["(/.*|$)", "($|/.*)", "(/.*)?$", "(/|$)", "($|/)"]

    /// What to write in the place of an expression.
    private static func advice(on pattern: String) -> String {
        guard let prefixes = prefixes(of: pattern), let first = prefixes.first else {
            return "write a location for each prefix, such as location ^~ /assets/, or keep this one in the web server "
                + "in front"
        }
        let others = prefixes.dropFirst().joined(separator: ", ")
        return "write location ^~ \(first)" + (others.isEmpty ? "" : " and one for \(others)")
    }

    /// The prefixes that an expression such as `^/(assets|packs)/` stands for; nil for one that is no list of prefixes.
    private static func prefixes(of pattern: String) -> [String]? {
        guard pattern.hasPrefix("^/") else { return nil }
        let ending = endings.first(where: pattern.hasSuffix) ?? [".*$", ".*"].first(where: pattern.hasSuffix) ?? ""
        let text = pattern.dropFirst().dropLast(ending.count)
        guard let open = text.firstIndex(of: "(") else { return literal(text).map { [$0] } }
        guard let close = text[open...].firstIndex(of: ")") else { return nil }
        let inside = text[text.index(after: open)..<close]
        let alternatives = inside.hasPrefix("?:") ? inside.dropFirst(2) : inside
        var prefixes: [String] = []
        for alternative in alternatives.split(separator: "|", omittingEmptySubsequences: false) {
            let whole = text[..<open] + alternative + text[text.index(after: close)...]
            guard let prefix = literal(Substring(whole)) else { return nil }
            prefixes.append(prefix)
        }
        return prefixes
    }

    /// The text that an expression without special characters stands for; nil for any other, and for an empty one.
    private static func literal(_ expression: Substring) -> String? {
        var literal = ""
        var isEscaped = false
        for character in expression {
            if isEscaped {
                guard character.isPunctuation || character.isSymbol else { return nil }
                literal.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                guard !".*+?()[]{}|^$".contains(character) else { return nil }
                literal.append(character)
            }
        }
        return isEscaped || literal.isEmpty ? nil : literal
    }
}
