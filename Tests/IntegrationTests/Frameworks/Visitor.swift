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
    private var jar = CookieJar()
    /// The page that it looks at.
    private(set) var page = HTTPResponse(status: 0, headers: [], body: [])

    init(port: UInt16, host: String) {
        self.port = port
        self.host = host
    }

    var cookies: [String: String] { jar.cookies }

    /// `http://host:port`, as it stands in the `Origin` of its requests and in redirects.
    var origin: String { "http://\(host):\(port)" }

    @discardableResult
    func visit(_ path: String, headers: String = "") throws -> HTTPResponse {
        try send("GET", path, headers: headers, body: [])
    }

    /// Sends a form; `_method` and the token of the page are up to the caller.
    @discardableResult
    func submit(_ path: String, _ fields: KeyValuePairs<String, String>) throws -> HTTPResponse {
        try send("POST", path, FormBody(fields.map { ($0.key, $0.value) }))
    }

    /// Sends a form with one file in it.
    @discardableResult
    func upload(
        _ path: String,
        _ fields: KeyValuePairs<String, String>,
        file: (field: String, name: String, type: String, bytes: [UInt8])
    ) throws -> HTTPResponse {
        let part = FormBody.File(field: file.field, name: file.name, type: file.type, bytes: file.bytes)
        return try send("POST", path, FormBody(fields.map { ($0.key, $0.value) }, part))
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
    func text(between start: String, and end: String) -> String? { page.text(between: start, and: end) }

    /// Opens a connection and sends a request with the cookies, whose answer is the caller's to read.
    func open(_ method: String, _ path: String, headers: String = "", body: [UInt8] = []) throws -> HTTPConnection {
        let connection = try HTTPConnection(port: port)
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\n\(headers)\(jar.headerLine)"
        if !body.isEmpty || method == "POST" { head += "Origin: \(origin)\r\nContent-Length: \(body.count)\r\n" }
        try connection.send(Array("\(head)\r\n".utf8) + body)
        return connection
    }

    private func send(_ method: String, _ path: String, _ form: FormBody) throws -> HTTPResponse {
        try send(method, path, headers: form.headers, body: form.bytes)
    }

    private func send(_ method: String, _ path: String, headers: String, body: [UInt8]) throws -> HTTPResponse {
        page = try open(method, path, headers: headers, body: body).readResponse()
        jar.keep(from: page)
        return page
    }
}
