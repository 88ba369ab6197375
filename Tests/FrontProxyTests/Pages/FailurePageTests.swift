// SPDX-License-Identifier: MIT

import NIOCore
import ShownText
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

struct FailurePageTests {
    private func page(_ report: FailureReport) -> String {
        FailurePage(report: report, status: 500, product: "P").document.text
    }

    private func rendered(_ report: FailureReport, as format: PageFormat) -> String {
        var buffer = ByteBuffer()
        Pages(product: "P").render(report, status: 503, as: format, into: &buffer)
        return String(buffer: buffer)
    }

    @Test func `everything in the report is on the page, what to do first`() throws {
        let page = page(.sample)
        let inOrder = [
            "<h1>A gem is missing</h1>", "cannot load such file -- sinatra (LoadError)", "is not installed.",
            "What to do", "Install the gems of the Gemfile.",
            "<code><span>sudo</span> <span>-u</span> <span>joe</span> <span>bundle", "Or add it",
            "config.ru:3:in `require&#39;\n\tfrom config.ru:3", "booting", "<strong>joe</strong> (uid 1000)",
            "runs as joe because joe owns config.ru", "joe (1000), adm (4)", "/home/joe",
            "<dd class=\"mono\">/srv/shop</dd>",
            "/srv/shop/config.ru", "rack, development", "/usr/bin/ruby &#39;/run/a b.rb&#39;",
            "<tr class=\"done\"><th scope=\"row\">prepare</th><td>done</td><td>812 µs</td></tr>",
            "<tr class=\"failed\"><th scope=\"row\">load app</th><td>failed</td><td>1.2 s</td></tr>",
            "<tr class=\"idle\"><th scope=\"row\">listen</th><td>not started</td><td></td></tr>",
            "2 variables, secrets masked", "/usr/bin:/bin", "1024 (at most 4096)", "0.1 0.2 0.3", "0badcafe",
            "2030-03-17 17:46:40 UTC",
        ]
        var rest = page[...]
        for piece in inOrder {
            let parts = rest.split(separator: piece, maxSplits: 1, omittingEmptySubsequences: false)
            try #require(parts.count == 2, "\(piece) is not on the page, or not at its place")
            rest = parts[1]
        }
    }

    @Test func `nothing of a report becomes markup`() {
        let attack = "</pre></title></style><script>alert('x')</script>\"'&<!--"
        for format in [PageFormat.html] {
            let page = rendered(.everywhere(attack), as: format)
            #expect(!page.contains("<script"), "\(page)")
            #expect(!page.contains("alert('x')") && !page.contains("<!--"))
            #expect(page.contains("&lt;/pre&gt;&lt;/title&gt;&lt;/style&gt;&lt;script&gt;alert(&#39;x&#39;)"))
        }
    }

    @Test func `nothing comes from elsewhere, nothing runs`() {
        let page = page(.everywhere("x"))
        for forbidden in ["http:", "https:", "//", "src=", "<script", "@import", "url(", "onload", "<form", "<a "] {
            #expect(!page.contains(forbidden), "\(forbidden)")
        }
        #expect(page.pieces(between: "href=").count == 2 && page.contains("href=\"data:,\""))
    }

    @Test func `what is not known leaves no trace`() {
        var report = FailureReport.sample
        report.title = ""
        report.explanation = ""
        report.remedies = []
        report.detail = ""
        report.output = ""
        report.steps = []
        report.app.command = []
        report.user = nil
        report.variables = []
        report.limits = []
        report.machine = []
        let page = page(report)
        #expect(page.contains("<h1>The application did not start</h1>"))
        #expect(page.contains("The user was not decided yet."))
        for absent in ["<ol", "<pre", "<table", "<details", "explanation\"", "Command", "<section class=\"wide\""] {
            #expect(!page.contains(absent), "\(absent)")
        }
    }

    @Test func `every element is closed`() {
        for name in ["html", "head", "body", "main", "header", "footer", "section", "div", "pre", "ol", "dl", "table"] {
            let page = page(.sample)
            let opened = page.pieces(between: "<\(name)>").count + page.pieces(between: "<\(name) ").count - 2
            #expect(opened > 0 && opened == page.pieces(between: "</\(name)>").count - 1, "\(name)")
        }
    }

    @Test(
        arguments: [
            (0, "0 µs"), (999, "999 µs"), (1_000, "1.0 ms"), (9_999, "9.9 ms"), (10_000, "10 ms"), (999_999, "999 ms"),
            (1_000_000, "1.0 s"), (99_999_999, "99.9 s"), (100_000_000, "100 s"), (-1, ""),
        ] as [(Int64, String)]
    )
    func `durations have the unit that suits`(microseconds: Int64, text: String) {
        #expect(FailurePage.duration(microseconds) == text)
    }

    @Test func `as JSON it has the fields of the short page and the whole report`() throws {
        let text = rendered(.sample, as: .json)
        let head =
            #"{"status":503,"error":"Service Unavailable","message":"cannot load such file -- sinatra (LoadError)","#
        #expect(text.hasPrefix(head + #""error_id":"0badcafe","report":{"#) && text.hasSuffix("}}\n"))
        let object = text.dropFirst(head.utf8.count + #""error_id":"0badcafe","report":"#.utf8.count).dropLast(2)
        #expect(FailureReport(json: Array(object.utf8)) == .sample)
    }

    @Test func `as text it gives a terminal no orders, and shows no colours`() {
        let text = rendered(.everywhere("\u{1B}[31mred\u{1B}[0m \u{1B}]0;title\u{07}\u{9B}2J\u{1B}"), as: .text)
        #expect(text.hasPrefix("503 Service Unavailable\n\n"))
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) || $0 == "\n" })
        #expect(text.contains("  | red \\x1b\n"))
    }

    @Test func `the page that is asked for again and again is rendered once`() {
        let details = FailureDetails(.sample)
        let pages = Pages(product: "P")
        let first = details.page(as: .html, status: 500, by: pages)
        // Another product would show if it were rendered anew.
        #expect(details.page(as: .html, status: 500, by: Pages(product: "Q")) == first)
        #expect(details.page(as: .html, status: 503, by: pages) != first)
        #expect(details.page(as: .text, status: 500, by: pages) != first)
    }
}
