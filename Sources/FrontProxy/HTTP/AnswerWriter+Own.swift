// SPDX-License-Identifier: MIT

import FrontConfiguration
import HTTPFraming
import NIOCore

/// What a page of the front is made of, where there is a choice.
enum OwnPage {
    case short
    /// Everything that is known about a failed start.
    case friendly(FailureDetails)
    /// A page of the operator's, as HTML.
    case custom(ByteBuffer)
}

// Answers of the front itself: error pages, `return`, and files.
extension AnswerWriter {
    func respond(with answer: ErrorAnswer, page: OwnPage) {
        var lines = "Cache-Control: no-cache, no-store, must-revalidate\r\n"
        if answer.retryAfter > 0 { lines += "Retry-After: \(answer.retryAfter)\r\n" }
        if answer.status == 405 { lines += "Allow: GET, HEAD\r\n" }
        switch page {
        case .short: respond(withPage: Pages.Content(answer), lines: lines)
        case .friendly(let details):
            let format = request.pageFormat
            let body = details.page(as: format, status: answer.status, by: loop.pages)
            respond(answer.status, as: format, body: body, lines: lines)
        case .custom(let body):
            lines += "X-Content-Type-Options: nosniff\r\nVary: Accept\r\n"
            respond(answer.status, contentType: "text/html; charset=utf-8", body: body, lines: lines)
        }
    }

    private func respond(withPage content: Pages.Content, lines: String) {
        let format = request.pageFormat
        var page = ByteBuffer()
        loop.pages.render(content, as: format, into: &page)
        respond(content.status, as: format, body: page, lines: lines)
    }

    private func respond(_ status: Int, as format: PageFormat, body: ByteBuffer, lines: String) {
        let lines = "\(lines)\(format.protection)Vary: Accept\r\n"
        respond(status, contentType: "\(format.contentType)", body: body, lines: lines)
    }

    func respond(with action: ReturnAction) {
        // nginx's way of hanging up without a word.
        if action.status == 444 { return breakOff(status: 444) }
        let text = action.text.map { $0.expanded { request.value(of: $0, status: action.status) } }
        if action.isRedirect, let text {
            let location = String(
                String.UnicodeScalarView(text.unicodeScalars.filter { $0.value > 0x20 && $0.value != 0x7F })
            )
            let page = Self.page(action.status, "What you asked for is elsewhere.")
            return respond(withPage: page, lines: "Location: \(location)\r\n")
        }
        guard let text else {
            return respond(withPage: Self.page(action.status, StatusText.of(action.status)), lines: "")
        }
        let type = route.mimeTypes.type(ofPath: String(buffer: request.path))
        respond(
            action.status,
            contentType: type == route.mimeTypes.defaultType ? "text/plain; charset=utf-8" : type,
            body: ByteBuffer(string: text),
            lines: ""
        )
    }

    private static func page(_ status: Int, _ message: String) -> Pages.Content {
        Pages.Content(status: status, title: StatusText.of(status), message: message)
    }

    /// Sends a file by the kernel (`sendfile`), as far and as fast as the client takes it.
    func respond(with file: FoundFile) {
        let selection = request.bytes.withUnsafeReadableBytes { bytes in
            ConditionalRequest(head: request.head, bytes: bytes)
                .select(size: file.size, modified: file.modified, entityTag: file.entityTag)
        }
        switch selection {
        case .notModified: respond(304, lines: "", sending: 0..<0, of: file)
        case .unsatisfiable:
            let lines = "Content-Range: bytes */\(file.size)\r\nAccept-Ranges: bytes\r\n"
            respond(416, contentType: "text/plain; charset=utf-8", body: ByteBuffer(), lines: lines)
        case .whole: respond(200, lines: lines(of: file, length: file.size), sending: 0..<file.size, of: file)
        case .part(let range):
            let position = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)\r\n"
            respond(206, lines: lines(of: file, length: range.count) + position, sending: range, of: file)
        }
    }

    private func lines(of file: FoundFile, length: Int) -> String {
        let type = route.mimeTypes.type(ofPath: file.name)
        return "Content-Type: \(type)\r\nContent-Length: \(length)\r\nAccept-Ranges: bytes\r\n"
    }
}
