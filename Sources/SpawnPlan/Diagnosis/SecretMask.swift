// SPDX-License-Identifier: MIT

import AppSettings

/// Keeps what looks like a secret out of pages, reports and logs.
package enum SecretMask {
    package static let replacement = "********"
    private static let marks = ["KEY", "SECRET", "TOKEN", "PASS", "CREDENTIAL"]

    /// Whether a variable of this name probably holds a secret.
    package static func hides(_ name: String) -> Bool {
        let name = name.uppercased()
        // The product's name looks like a password.
        let rest = name.replacing("PASSENGER", with: "")
        if marks.contains(where: { rest.contains($0) }) { return true }
        // MYSQL_PWD, but not the working directory.
        return rest.hasSuffix("PWD") && rest != "PWD" && rest != "OLDPWD"
    }

    package static func masked(_ variables: [EnvironmentVariable]) -> [EnvironmentVariable] {
        variables.map { variable in
            guard !variable.value.isEmpty else { return variable }
            let value = hides(variable.name) ? replacement : maskingCredentials(variable.value)
            return EnvironmentVariable(name: variable.name, value: value)
        }
    }

    /// Text with the passwords of the addresses in it replaced: `postgres://joe:********@host/db`.
    ///
    /// Rather too much is hidden than too little: what stands before the last `@` of a word may be a password with
    /// slashes in it.
    package static func maskingCredentials(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard var scheme = self.scheme(in: bytes, from: 0) else { return text }
        var masked: [UInt8] = []
        var copied = 0
        while true {
            let start = scheme + 3
            let end = bytes[start...].firstIndex(where: Self.endsAddress) ?? bytes.endIndex
            if let secret = Self.secret(in: bytes[start..<end]) {
                masked += bytes[copied..<secret.lowerBound]
                masked += replacement.utf8
                copied = secret.upperBound
            }
            guard let next = self.scheme(in: bytes, from: end) else { break }
            scheme = next
        }
        return String(decoding: masked + bytes[copied...], as: UTF8.self)
    }

    private static func scheme(in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= start + 3 else { return nil }
        return (start...(bytes.count - 3)).first { index in
            bytes[index] == UInt8(ascii: ":") && bytes[index + 1] == UInt8(ascii: "/")
                && bytes[index + 2] == UInt8(ascii: "/")
        }
    }

    /// What lies between the first colon, if there is one, and the `@` before the host.
    private static func secret(in address: ArraySlice<UInt8>) -> Range<Int>? {
        let authority = address.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        let colon = authority.firstIndex(of: UInt8(ascii: ":"))
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            guard let colon, colon < at else {
                // A lone name of some length is a token: https://ghp_…@github.com
                return at - authority.startIndex >= 16 ? authority.startIndex..<at : nil
            }
            return colon + 1 < at ? (colon + 1)..<at : nil
        }
        // Not a port, so perhaps a password with a slash in it.
        guard let colon, let at = address.lastIndex(of: UInt8(ascii: "@")) else { return nil }
        let isPort = authority[(colon + 1)...].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isPort ? nil : (colon + 1)..<at
    }

    private static func endsAddress(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "<")
            || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "`")
    }
}
