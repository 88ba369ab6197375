// SPDX-License-Identifier: MIT

import TestSupport

/// Somebody with a browser: keeps cookies and a connection, sends forms, follows redirects.
final class FrameworkVisitor {
    let host: String
    /// Where the application is, in front of every path that is asked for; without a slash at its end.
    let prefix: String
    private let port: UInt16
    private var cookies: [String: String] = [:]
    private var connection: HTTPConnection?

    init(port: UInt16, host: String, prefix: String) {
        self.port = port
        self.host = host
        self.prefix = prefix
    }

    func get(_ path: String, headers: String = "") throws -> HTTPResponse {
        try request("GET", prefix + path, headers: headers)
    }

    /// Sends a form as browsers do without files.
    func post(_ path: String, _ fields: [(String, String)]) throws -> HTTPResponse {
        let pairs = fields.map { "\(Self.escaped($0.0))=\(Self.escaped($0.1))" }
        let type = "Content-Type: application/x-www-form-urlencoded\r\n"
        return try request("POST", prefix + path, headers: type, body: Array(pairs.joined(separator: "&").utf8))
    }

    /// Sends a form with one file.
    func post(
        _ path: String,
        _ fields: [(String, String)] = [],
        file: (field: String, name: String, bytes: [UInt8])
    ) throws -> HTTPResponse {
        let boundary = "----between-the-parts"
        var body: [UInt8] = []
        for (name, value) in fields {
            body += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
        }
        body +=
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(file.field)\"; filename=\"\(file.name)\"\r\n"
            .utf8
        body += "Content-Type: application/octet-stream\r\n\r\n".utf8
        body += file.bytes
        body += "\r\n--\(boundary)--\r\n".utf8
        let type = "Content-Type: multipart/form-data; boundary=\(boundary)\r\n"
        return try request("POST", prefix + path, headers: type, body: body)
    }

    func post(_ path: String, json: String) throws -> HTTPResponse {
        try request("POST", prefix + path, headers: "Content-Type: application/json\r\n", body: Array(json.utf8))
    }

    /// The page that an answer leads to, which must be on the same host.
    func follow(_ response: HTTPResponse) throws -> HTTPResponse {
        guard var target = response.header("location") else {
            throw HTTPConnection.Failure.malformed("no Location: \(response.status) \(response.text.prefix(500))")
        }
        let origin = "http://\(host)"
        if target.hasPrefix(origin) { target = String(target.dropFirst(origin.utf8.count)) }
        return try request("GET", target)
    }

    /// Sends any request; the path is the whole one.
    func request(_ method: String, _ path: String, headers: String = "", body: [UInt8]? = nil) throws -> HTTPResponse {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(headers)"
        if !cookies.isEmpty {
            head += "Cookie: \(cookies.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: "; "))\r\n"
        }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        let connection = try connection ?? HTTPConnection(port: port)
        try connection.send(Array("\(head)\r\n".utf8) + (body ?? []))
        let response = try connection.readResponse(toHead: method == "HEAD")
        self.connection = response.header("connection")?.lowercased() == "close" ? nil : connection
        for (name, value) in response.headers where name == "set-cookie" { keep(value) }
        return response
    }

    private func keep(_ cookie: String) {
        let pair = cookie.prefix { $0 != ";" }
        let name = String(pair.prefix { $0 != "=" })
        let value = String(pair.dropFirst(name.utf8.count + 1))
        cookies[name] = value.isEmpty || value == "\"\"" ? nil : value
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

    /// A member of the flat JSON object that is the body.
    func member(_ name: String) -> String? {
        let plain = text.filter { !"{}\" \n".contains($0) }
        return plain.split(separator: ",").first { $0.hasPrefix("\(name):") }
            .map { String($0.dropFirst(name.utf8.count + 1)) }
    }
}
