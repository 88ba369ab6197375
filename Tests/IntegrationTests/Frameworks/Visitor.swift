// SPDX-License-Identifier: MIT

import TestSupport

/// A browser without JavaScript: keeps cookies, fills in forms, follows redirects.
final class Visitor {
    /// The page sends nobody to another one of the same host.
    struct NoRedirect: Error {
        let description: String
    }

    let port: UInt16
    let host: String
    private(set) var cookies: [String: String] = [:]
    /// The page that it looks at.
    private(set) var page = HTTPResponse(status: 0, headers: [], body: [])

    init(port: UInt16, host: String) {
        self.port = port
        self.host = host
    }

    /// `http://host:port`, as it stands in the `Origin` of its requests and in redirects.
    var origin: String { "http://\(host):\(port)" }

    @discardableResult
    func visit(_ path: String, headers: String = "") throws -> HTTPResponse {
        try send("GET", path, headers: headers, body: [])
    }

    /// Sends a form; `_method` and the token of the page are up to the caller.
    @discardableResult
    func submit(_ path: String, _ fields: KeyValuePairs<String, String>) throws -> HTTPResponse {
        let text = fields.map { "\(Self.encoded($0.key))=\(Self.encoded($0.value))" }.joined(separator: "&")
        let type = "Content-Type: application/x-www-form-urlencoded\r\n"
        return try send("POST", path, headers: type, body: Array(text.utf8))
    }

    /// Sends a form with one file in it.
    @discardableResult
    func upload(
        _ path: String,
        _ fields: KeyValuePairs<String, String>,
        file: (field: String, name: String, type: String, bytes: [UInt8])
    ) throws -> HTTPResponse {
        let boundary = "----boundary-of-a-visitor"
        var body: [UInt8] = []
        for (name, value) in fields {
            body += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
        }
        body +=
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(file.field)\"; filename=\"\(file.name)\"\r\n"
            .utf8
        body += "Content-Type: \(file.type)\r\n\r\n".utf8
        body += file.bytes
        body += "\r\n--\(boundary)--\r\n".utf8
        return try send(
            "POST",
            path,
            headers: "Content-Type: multipart/form-data; boundary=\(boundary)\r\n",
            body: body
        )
    }

    /// Goes where the page sends it, which has to be on the same host.
    @discardableResult
    func follow() throws -> HTTPResponse {
        guard (301...303).contains(page.status), let location = page.header("location"), location.hasPrefix(origin)
        else {
            throw NoRedirect(description: "\(page.status) \(page.header("location") ?? page.text)")
        }
        return try visit(String(location.dropFirst(origin.utf8.count)))
    }

    /// The text of the page between two others, the first time that they occur.
    func text(between start: String, and end: String) -> String? {
        guard let found = page.text.pieces(between: start).dropFirst().first else { return nil }
        return found.pieces(between: end).first.map(String.init)
    }

    /// Opens a connection and sends a request with the cookies, whose answer is the caller's to read.
    func open(_ method: String, _ path: String, headers: String = "", body: [UInt8] = []) throws -> HTTPConnection {
        let connection = try HTTPConnection(port: port)
        let jar = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\n\(headers)"
        if !jar.isEmpty { head += "Cookie: \(jar)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Origin: \(origin)\r\nContent-Length: \(body.count)\r\n" }
        try connection.send(Array("\(head)\r\n".utf8) + body)
        return connection
    }

    private func send(_ method: String, _ path: String, headers: String, body: [UInt8]) throws -> HTTPResponse {
        page = try open(method, path, headers: headers, body: body).readResponse()
        for (_, value) in page.headers.filter({ $0.name == "set-cookie" }) {
            let pair = value.prefix { $0 != ";" }
            let name = pair.prefix { $0 != "=" }
            cookies[String(name)] = String(pair.dropFirst(name.utf8.count + 1))
        }
        return page
    }

    /// As a form encodes it (application/x-www-form-urlencoded, with %20 for blanks).
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                return String(UnicodeScalar(byte))
            default: return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
