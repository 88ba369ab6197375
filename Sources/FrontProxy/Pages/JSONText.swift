// SPDX-License-Identifier: MIT

enum JSONText {
    /// A whole JSON text in which what would steer a terminal is escaped: it can only stand inside of strings.
    static func shown(_ json: String) -> String {
        guard json.unicodeScalars.contains(where: { $0.value >= 0x7F && ShownText.isSpecial($0) }) else { return json }
        var result = ""
        for scalar in json.unicodeScalars {
            result += scalar.value >= 0x7F ? self.escaped(String(scalar)) : String(scalar)
        }
        return result
    }

    /// The inside of a JSON string (RFC 8259 §7).
    static func escaped(_ text: String) -> String {
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
                // All of them have at most four digits.
                if ShownText.isSpecial(character) {
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
