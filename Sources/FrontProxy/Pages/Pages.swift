// SPDX-License-Identifier: MIT

import NIOCore
import ShownText
import WireProtocol

/// Renders the front's own pages: self-contained, everything escaped.
struct Pages {
    /// What a short page says.
    struct Content: Equatable {
        var status: Int
        var title: String
        var message: String
        /// Sentences for the operator of the website, one paragraph each.
        var hints: [String] = []
        var errorID: String?
    }

    init(product: String) { self.product = product }

    /// In the last line of a page; with the version or without.
    let product: String

    func render(_ content: Content, as format: PageFormat, into buffer: inout ByteBuffer) {
        switch format {
        case .html: buffer.writeString(self.document(content).text)
        case .json: buffer.writeString("\(Self.json(content))}\n")
        case .text: buffer.writeString(Self.text(content))
        }
    }

    /// A page about a failed start, from everything that is known about it.
    func render(_ report: FailureReport, status: Int, as format: PageFormat, into buffer: inout ByteBuffer) {
        switch format {
        case .html: buffer.writeString(FailurePage(report: report, status: status, product: self.product).document.text)
        case .json:
            let content = Content(
                status: status,
                title: StatusText.of(status),
                message: report.summary,
                errorID: report.errorID
            )
            buffer.writeString(Self.json(content))
            if let json = report.json() {
                buffer.writeStaticString(",\"report\":")
                buffer.writeString(SafeText.json(String(decoding: json, as: UTF8.self)))
            }
            buffer.writeStaticString("}\n")
        case .text:
            buffer.writeString("\(status) \(StatusText.of(status))\n\n")
            var report = report
            report.detail = SafeText.block(report.detail)
            report.output = SafeText.block(report.output)
            buffer.writeString(report.text())
        }
    }

    private func document(_ content: Content) -> HTML {
        let hints: HTML =
            content.hints.isEmpty
            ? .none : "<div class=\"operator\">\n\(content.hints.map { "<p>\($0)</p>\n" as HTML })</div>\n"
        return HTML.document(
            title: "\(content.status) \(content.title)",
            style: PageStyle.short,
            body: """
                <main>
                <p class="kind">Error \(content.status)</p>
                <h1>\(content.title)</h1>
                <p>\(content.message)</p>
                \(content.errorID.map { "<p>Error ID: <code>\($0)</code></p>\n" as HTML } ?? .none)\(hints)</main>
                <footer>\(self.product)</footer>

                """
        )
    }

    /// An object without its closing brace.
    private static func json(_ content: Content) -> String {
        var text = "{\"status\":\(content.status),\"error\":\"\(SafeText.jsonString(content.title))\""
        text += ",\"message\":\"\(SafeText.jsonString(content.message))\""
        if let errorID = content.errorID { text += ",\"error_id\":\"\(SafeText.jsonString(errorID))\"" }
        return text
    }

    private static func text(_ content: Content) -> String {
        var paragraphs = ["\(content.status) \(content.title)", content.message]
        if let errorID = content.errorID { paragraphs.append("Error ID: \(errorID)") }
        return SafeText.block((paragraphs + content.hints).joined(separator: "\n\n")) + "\n"
    }
}

extension Pages.Content {
    init(_ answer: ErrorAnswer) {
        self.init(
            status: answer.status,
            title: StatusText.of(answer.status),
            message: answer.message,
            hints: answer.hints,
            errorID: answer.errorID
        )
    }
}
