// SPDX-License-Identifier: MIT

import ShownText

/// A piece of an HTML document.
///
/// It can only be made of literals: whatever is interpolated is escaped, unless it is HTML itself.
struct HTML: ExpressibleByStringInterpolation, Sendable {
    private(set) var text: String

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            self.text.reserveCapacity(literalCapacity + interpolationCount * 32)
        }

        mutating func appendLiteral(_ literal: StaticString) { self.text += "\(literal)" }

        mutating func appendInterpolation(_ text: String) { HTML.appendEscaped(text, to: &self.text) }

        mutating func appendInterpolation(_ number: some BinaryInteger) { self.text += "\(number)" }

        mutating func appendInterpolation(_ html: HTML) { self.text += html.text }

        mutating func appendInterpolation(_ pieces: [HTML]) {
            for piece in pieces { self.text += piece.text }
        }
    }

    init(stringInterpolation: StringInterpolation) { self.text = stringInterpolation.text }

    init(stringLiteral: StaticString) { self.text = "\(stringLiteral)" }

    /// Nothing.
    static let none: HTML = ""

    /// A whole document that needs nothing from elsewhere; `style` comes behind what all pages share.
    static func document(title: HTML, style: HTML, body: HTML) -> HTML {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <link rel="icon" href="data:,">
        <title>\(title)</title>
        <style>
        \(PageStyle.common)\(style)</style>
        </head>
        <body>
        \(body)</body>
        </html>

        """
    }

    /// Text as HTML shows it, also between quotes; without what a browser or a terminal would take for a command.
    static func appendEscaped(_ text: String, to result: inout String) {
        for scalar in SafeText.block(text).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
