// SPDX-License-Identifier: MIT

/// What to do about a trouble: a sentence, and perhaps what to type.
///
/// A command is built from parts where the remedy is made, each of them quoted, and never cut out of a sentence: names that
/// tenants choose stay words in it.
package struct Remedy: Hashable, Sendable, Codable {
    /// A sentence that begins with a capital letter or with a name; it ends with a colon when a command follows.
    package private(set) var text: String
    /// A command line, or a line for the front's configuration; it holds nothing that is not shown as itself.
    package private(set) var command: String?

    /// The sentence of a command that says everything.
    private static let typing = "Type:"

    /// Text only, whatever is in it.
    package init(_ text: String) {
        self.text = text
        self.command = nil
    }

    package init(_ text: String, shell line: ShellLine) {
        self.init(text, line.isFaithful ? line.text : nil)
    }

    /// What to type, where there is nothing more to say.
    package init(typing line: ShellLine) {
        self.init(line.isFaithful ? Self.typing : "A name in what is to be typed cannot be shown.", shell: line)
    }

    package init(_ text: String, configuration line: ConfigurationLine) {
        self.init(text, line.isFaithful ? line.text : nil)
    }

    /// Where a command was to follow the sentence, and none does.
    package static func withoutCommand(_ text: String) -> Remedy { Remedy(text, nil) }

    /// A command that cannot be typed is left out.
    private init(_ text: String, _ command: String?) {
        self.text = command == nil && text.utf8.last == UInt8(ascii: ":") ? text.dropLast() + "." : text
        self.command = command
    }

    /// For a field of a line: without the sentence if that only says that the command is to be typed.
    package var inLine: String {
        guard let command, text.utf8.elementsEqual(Self.typing.utf8) else { return description }
        return command
    }

    /// No longer than so many bytes; of a command that is longer nothing is left, since half of one is worse than none.
    package func bounded(text textLimit: Int, command commandLimit: Int) -> Remedy {
        var remedy = self
        if text.utf8.count > textLimit {
            var cut = String(decoding: text.utf8.prefix(textLimit), as: UTF8.self)
            while cut.unicodeScalars.last == "\u{FFFD}" { cut.unicodeScalars.removeLast() }
            remedy.text = cut
        }
        if let command, command.utf8.count > commandLimit { remedy.command = nil }
        return remedy
    }
}

/// A literal is text, and so is whatever is interpolated in it: no command ever comes out of a sentence.
extension Remedy: ExpressibleByStringInterpolation {
    package init(stringLiteral text: String) { self.init(text) }
}

extension Remedy: CustomStringConvertible {
    package var description: String { command.map { "\(text) \($0)" } ?? text }
}
