// SPDX-License-Identifier: MIT

/// A command line for somebody to copy into a shell.
///
/// It can only be made of literals: whatever is interpolated becomes one quoted word, unless it is a command line itself.
///
///     let line: ShellLine = "chmod o+x \(path)"
package struct ShellLine: Hashable, Sendable, ExpressibleByStringInterpolation {
    package let text: String
    /// Whether it says what was meant: no word had lost bytes before.
    package let isFaithful: Bool
    /// It holds a `$'…'`, which `sh` may not know.
    private let needsBash: Bool

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var isFaithful = true
        fileprivate var needsBash = false

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 32)
        }

        package mutating func appendLiteral(_ literal: StaticString) { text += "\(literal)" }

        /// One word.
        package mutating func appendInterpolation(_ word: String) {
            text += ShellWord.quoted(word)
            isFaithful = isFaithful && ShellWord.isFaithful(word)
            needsBash = needsBash || ShellWord.needsEscapes(word)
        }

        package mutating func appendInterpolation(_ number: some BinaryInteger) { text += "\(number)" }

        /// A part of this line.
        package mutating func appendInterpolation(_ line: ShellLine) {
            text += line.text
            isFaithful = isFaithful && line.isFaithful
            needsBash = needsBash || line.needsBash
        }

        /// A whole line as one word, for `sh -c`.
        package mutating func appendInterpolation(script line: ShellLine) {
            text += ShellWord.quoted(line.text)
            isFaithful = isFaithful && line.isFaithful && !line.needsBash
        }
    }

    package init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        isFaithful = stringInterpolation.isFaithful
        needsBash = stringInterpolation.needsBash
    }

    package init(stringLiteral: StaticString) {
        text = "\(stringLiteral)"
        isFaithful = true
        needsBash = false
    }
}

/// A line for the front's configuration; what is interpolated becomes one quoted word of its grammar.
package struct ConfigurationLine: Hashable, Sendable, ExpressibleByStringInterpolation {
    package let text: String
    package let isFaithful: Bool

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var isFaithful = true

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 32)
        }

        package mutating func appendLiteral(_ literal: StaticString) { text += "\(literal)" }

        package mutating func appendInterpolation(_ word: String) {
            text += ConfigurationLine.quoted(word)
            isFaithful = isFaithful && ShellWord.isFaithful(word) && ConfigurationLine.canHold(word)
        }

        package mutating func appendInterpolation(_ number: some BinaryInteger) { text += "\(number)" }
    }

    package init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        isFaithful = stringInterpolation.isFaithful
    }

    package init(stringLiteral: StaticString) {
        text = "\(stringLiteral)"
        isFaithful = true
    }

    /// The grammar has escapes for line ends and tabs only, and gives a dollar a meaning.
    fileprivate static func canHold(_ word: String) -> Bool {
        word.unicodeScalars.allSatisfy {
            $0 == "\n" || $0 == "\r" || $0 == "\t" || $0 != "$" && !SafeText.hides($0)
        }
    }

    fileprivate static func quoted(_ word: String) -> String {
        ShellWord.quoted(word) == word ? word : SafeText.quoted(word)
    }
}
