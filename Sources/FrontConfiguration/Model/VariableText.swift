// SPDX-License-Identifier: MIT

package import AppSettings

/// A text with variables of the request in it, such as `https://$host$request_uri`.
package struct VariableText: Sendable, Hashable {
    package enum Variable: String, Sendable, Hashable, CaseIterable {
        case args
        case host
        case queryString = "query_string"
        case isArgs = "is_args"
        case remoteAddress = "remote_addr"
        case requestMethod = "request_method"
        case requestURI = "request_uri"
        case scheme
        case serverName = "server_name"
        case serverPort = "server_port"
        case status
        case uri
    }

    package enum Part: Sendable, Hashable {
        case literal(String)
        case variable(Variable)
    }

    package let parts: [Part]

    /// Splits a text at `$name` and `${name}`; a `$` before anything else is an error.
    package init(parsing text: String) throws(ValueError) {
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let character = rest.first {
            rest.removeFirst()
            guard character == "$" else {
                literal.append(character)
                continue
            }
            let name = try Self.takeName(from: &rest)
            guard let variable = Variable(rawValue: name) else {
                let near = Spelling.nearest(to: name, among: Variable.allCases.map(\.rawValue))
                throw ValueError("unknown variable $\(name)" + (near.map { "; did you mean $\($0)?" } ?? ""))
            }
            if !literal.isEmpty { parts.append(.literal(literal)) }
            literal = ""
            parts.append(.variable(variable))
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }

    package init(literal: String) {
        parts = literal.isEmpty ? [] : [.literal(literal)]
    }

    /// The text if there is no variable in it.
    package var constant: String? {
        switch parts.first {
        case nil: ""
        case .literal(let text) where parts.count == 1: text
        case .literal, .variable: nil
        }
    }

    package func expanded(_ value: (Variable) -> String) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .variable(let variable): text += value(variable)
            }
        }
        return text
    }

    private static func takeName(from rest: inout Substring) throws(ValueError) -> String {
        let isBraced = rest.first == "{"
        if isBraced { rest.removeFirst() }
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        rest = rest[name.endIndex...]
        guard !name.isEmpty else { throw ValueError("a variable's name is missing after $") }
        if isBraced {
            guard rest.first == "}" else { throw ValueError("the closing } of ${\(name) is missing") }
            rest.removeFirst()
        }
        return String(name)
    }
}
