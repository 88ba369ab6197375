// SPDX-License-Identifier: MIT

import NIOCore

/// Renders the front's own error pages: small, self-contained, everything escaped.
struct Pages {
    /// What one page says.
    struct Content: Equatable {
        var status: Int
        var title: String
        var message: String
        var errorID: String?
    }

    enum Format: Equatable {
        case html, json

        var contentType: StaticString {
            switch self {
            case .html: "text/html; charset=utf-8"
            case .json: "application/json"
            }
        }
    }

    /// In the last line of a page; with the version or without.
    let product: String

    init(product: String) { self.product = product }

    func render(_ content: Content, as format: Format, into buffer: inout ByteBuffer) {
        switch format {
        case .html: self.writeHTML(content, into: &buffer)
        case .json: self.writeJSON(content, into: &buffer)
        }
    }

    private func writeHTML(_ content: Content, into buffer: inout ByteBuffer) {
        let title = "\(content.status) \(content.title)"
        buffer.writeString(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex">
            <title>\(Self.escaped(title))</title>
            <style>body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em;color:#222}\
            h1{font-size:1.4em}code{background:#eee;padding:.1em .3em}footer{margin-top:3em;color:#777;\
            font-size:.85em}</style>
            </head>
            <body>
            <h1>\(Self.escaped(title))</h1>
            <p>\(Self.escaped(content.message))</p>

            """
        )
        if let errorID = content.errorID {
            buffer.writeString("<p>Error ID: <code>\(Self.escaped(errorID))</code></p>\n")
        }
        buffer.writeString("<footer>\(Self.escaped(self.product))</footer>\n</body>\n</html>\n")
    }

    private func writeJSON(_ content: Content, into buffer: inout ByteBuffer) {
        buffer.writeString("{\"status\":\(content.status),\"error\":\"\(Self.escapedForJSON(content.title))\"")
        buffer.writeString(",\"message\":\"\(Self.escapedForJSON(content.message))\"")
        if let errorID = content.errorID { buffer.writeString(",\"error_id\":\"\(Self.escapedForJSON(errorID))\"") }
        buffer.writeString("}\n")
    }

    /// Text as HTML shows it, also between quotes.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// The inside of a JSON string (RFC 8259 §7).
    static func escapedForJSON(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if character.value < 0x20 {
                    let digits = String(character.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(character)
                }
            }
        }
        return result
    }
}
