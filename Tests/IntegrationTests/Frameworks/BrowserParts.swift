// SPDX-License-Identifier: MIT

import TestSupport

/// The cookies that a browser keeps of one host.
struct CookieJar {
    private(set) var cookies: [String: String] = [:]

    /// The header line with all of them; empty if there are none.
    var headerLine: String {
        guard !cookies.isEmpty else { return "" }
        return "Cookie: \(cookies.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: "; "))\r\n"
    }

    /// Takes what an answer sets; an empty value takes a cookie away.
    mutating func keep(from response: HTTPResponse) {
        for (name, value) in response.headers where name == "set-cookie" {
            let pair = value.prefix { $0 != ";" }
            let key = String(pair.prefix { $0 != "=" })
            let content = String(pair.dropFirst(key.utf8.count + 1))
            cookies[key] = content.isEmpty || content == "\"\"" ? nil : content
        }
    }
}

/// A form as a browser sends it.
struct FormBody {
    struct File {
        var field: String
        var name: String
        var type = "application/octet-stream"
        var bytes: [UInt8]
    }

    let headers: String
    let bytes: [UInt8]

    /// Without files: application/x-www-form-urlencoded, with %20 for blanks.
    init(_ fields: [(String, String)]) {
        headers = "Content-Type: application/x-www-form-urlencoded\r\n"
        let pairs = fields.map { "\(Self.escaped($0.0))=\(Self.escaped($0.1))" }
        bytes = Array(pairs.joined(separator: "&").utf8)
    }

    /// With a file: multipart/form-data (RFC 7578).
    init(_ fields: [(String, String)], _ file: File) {
        let boundary = "----between-the-parts"
        headers = "Content-Type: multipart/form-data; boundary=\(boundary)\r\n"
        var text = ""
        for (name, value) in fields {
            text += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        text += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(file.field)\"; filename=\"\(file.name)\"\r\n"
        text += "Content-Type: \(file.type)\r\n\r\n"
        bytes = Array(text.utf8) + file.bytes + Array("\r\n--\(boundary)--\r\n".utf8)
    }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(UnicodeScalar(byte))
            default: "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }.joined()
    }
}

extension HTTPResponse {
    /// What stands between two texts for the first time.
    func text(between start: String, and end: String) -> String? {
        let parts = text.pieces(between: start)
        guard parts.count > 1 else { return nil }
        return parts[1].pieces(between: end).first.map(String.init)
    }
}
