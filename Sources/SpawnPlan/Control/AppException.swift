// SPDX-License-Identifier: MIT

import AppSettings

/// An exception of an app's code in a request, as its loader tells: `exception ID TEXT`.
///
/// The loader has answered the request with that ID on the page. Like all that a process says it is text of the app's user, and
/// decides nothing.
package struct AppException: Hashable, Sendable {
    package static let word = "exception"

    /// Eight hexadecimal digits.
    package let id: String
    /// Class and message.
    package let text: String

    /// Nil for messages about something else, and for those in another form.
    package init?(_ message: ServiceMessages.Message) {
        guard message.word.isExactly(Self.word) else { return nil }
        let parts = message.value.utf8.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard let id = parts.first, id.count == 8, id.allSatisfy(Self.isDigit) else { return nil }
        self.id = String(Substring(id))
        self.text = parts.count == 2 ? String(Substring(parts[1])) : ""
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
