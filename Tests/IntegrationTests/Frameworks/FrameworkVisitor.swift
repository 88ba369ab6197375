// SPDX-License-Identifier: MIT

import TestSupport

/// Somebody with a browser: keeps cookies and a connection, sends forms, follows redirects.
final class FrameworkVisitor {
    let host: String
    /// Where the application is, in front of every path that is asked for; without a slash at its end.
    let prefix: String
    private let port: UInt16
    private var jar = CookieJar()
    private var connection: HTTPConnection?

    init(port: UInt16, host: String, prefix: String) {
        self.port = port
        self.host = host
        self.prefix = prefix
    }

    func get(_ path: String, headers: String = "") throws -> HTTPResponse {
        try request("GET", prefix + path, headers: headers)
    }

    func post(_ path: String, _ fields: [(String, String)]) throws -> HTTPResponse {
        try post(path, FormBody(fields))
    }

    func post(
        _ path: String,
        _ fields: [(String, String)] = [],
        file: (field: String, name: String, bytes: [UInt8])
    ) throws -> HTTPResponse {
        try post(path, FormBody(fields, FormBody.File(field: file.field, name: file.name, bytes: file.bytes)))
    }

    private func post(_ path: String, _ form: FormBody) throws -> HTTPResponse {
        try request("POST", prefix + path, headers: form.headers, body: form.bytes)
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
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(headers)\(jar.headerLine)"
        if let body { head += "Content-Length: \(body.count)\r\n" }
        let connection = try connection ?? HTTPConnection(port: port)
        try connection.send(Array("\(head)\r\n".utf8) + (body ?? []))
        let response = try connection.readResponse(toHead: method == "HEAD")
        self.connection = response.header("connection")?.lowercased() == "close" ? nil : connection
        jar.keep(from: response)
        return response
    }
}

extension HTTPResponse {
    /// A member of the flat JSON object that is the body.
    func member(_ name: String) -> String? {
        let plain = text.filter { !"{}\" \n".contains($0) }
        return plain.split(separator: ",").first { $0.hasPrefix("\(name):") }
            .map { String($0.dropFirst(name.utf8.count + 1)) }
    }
}
