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
                throw ValueError("regular expressions are not supported yet; name a prefix")
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
        let endings = ["(/.*|$)", "($|/.*)", "(/.*)?$", "(/|$)", "($|/)"]
        guard let ending = endings.first(where: pattern.hasSuffix) else { return nil }
        var literal = ""
        var isEscaped = false
        for character in pattern.dropFirst().dropLast(ending.count) {
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
        return isEscaped || literal.isEmpty ? nil : Paths.trimmed(literal)
    }
}
