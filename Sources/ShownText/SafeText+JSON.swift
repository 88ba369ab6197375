// SPDX-License-Identifier: MIT

extension SafeText {
    /// The inside of a JSON string (RFC 8259 §7).
    package static func jsonString(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: if hides(scalar) { result += jsonEscape(scalar) } else { result.unicodeScalars.append(scalar) }
            }
        }
        return result
    }

    /// A whole JSON text as it may be shown: what is not shown as itself can only stand inside of strings, and is escaped.
    package static func json(_ json: String) -> String {
        guard json.unicodeScalars.contains(where: { $0.value >= 0x7F && hides($0) }) else { return json }
        var result = ""
        result.reserveCapacity(json.utf8.count)
        for scalar in json.unicodeScalars {
            if scalar.value >= 0x7F, hides(scalar) {
                result += jsonEscape(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// One `\uXXXX` for each unit of UTF-16.
    private static func jsonEscape(_ scalar: Unicode.Scalar) -> String {
        scalar.utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}
