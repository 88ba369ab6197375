// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct PageFormatTests {
    private static let chrome =
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,"
        + "application/signed-exchange;v=b3;q=0.7"

    @Test(
        arguments: [
            (chrome, .html), ("text/html", .html), ("TEXT/HTML;level=1", .html), ("text/html, application/json", .html),
            ("application/json", .json), ("application/json, text/plain, */*", .json),
            ("application/json, text/javascript, */*; q=0.01", .json), ("application/json, text/html;q=0.9", .json),
            ("application/vnd.api+json", .json), ("application/problem+json, */*;q=0.5", .json),
            ("application/json;q=0, application/vnd.api+json", .json),
            ("*/*", .text), ("", .text), ("text/plain", .text), ("text/plain, text/html;q=0.5", .text),
            ("image/avif,image/webp,image/*,*/*;q=0.8", .text), ("image/png", .text), ("text/html;q=0", .text),
            ("text/html;q=0, */*", .text), ("text/*", .html), ("text/*;q=0.1, application/json;q=0.2", .json),
            ("text/html;q=0.5, */*;q=0.9", .text), ("*/*, text/plain;q=0", .html),
            ("application/json;q=0.5, text/html;q=0.500", .html), ("text/html;q=2", .text), ("nonsense", .text),
            ("text/html;q=0.1234, application/json;q=0.1", .json), (",,;,/", .text), ("text/html ; q=0.3", .html),
        ] as [(String, PageFormat)]
    )
    func `a client gets the form that it wants most`(accept: String, format: PageFormat) {
        #expect(PageFormat.choice(for: AcceptField([accept]), sendsJSON: false) == format)
    }

    @Test(
        arguments: [
            (nil, .json), ("*/*", .json), ("image/png", .json), ("text/html", .html), ("text/plain", .text),
            (chrome, .html), ("application/json;q=0, */*", .text),
        ] as [(String?, PageFormat)]
    )
    func `one that sends JSON gets JSON unless it wants something else`(accept: String?, format: PageFormat) {
        let field = AcceptField(accept.map { [$0] } ?? [])
        #expect(PageFormat.choice(for: field, sendsJSON: true) == format)
    }

    @Test func `several fields are one list, and no more of it counts than anybody means`() {
        #expect(PageFormat.choice(for: AcceptField(["text/plain;q=0.2", "text/html"]), sendsJSON: false) == .html)
        let flood = String(repeating: "a/b,", count: 10_000) + "text/html"
        #expect(AcceptField([flood]).ranges.count == 64)
        #expect(PageFormat.choice(for: AcceptField([flood]), sendsJSON: false) == .text)
    }

    @Test(
        arguments: [
            (nil, false, true), ("*/*", false, true), (chrome, false, true), ("text/html;q=0.1", false, true),
            ("text/plain", false, false), ("application/json", false, false), ("application/json, */*", false, false),
            (nil, true, false), ("text/html", true, true), ("text/html;q=0, */*", false, false),
            ("image/png", false, false),
        ] as [(String?, Bool, Bool)]
    )
    func `a page that exists as HTML only is for those who take it`(accept: String?, sendsJSON: Bool, isWelcome: Bool) {
        let field = AcceptField(accept.map { [$0] } ?? [])
        #expect(field.welcomesHTML(sendsJSON: sendsJSON) == isWelcome)
    }

    @Test func `the protection of each form ends with a line end`() {
        for format in PageFormat.allCases {
            let lines = "\(format.protection)"
            #expect(lines.hasSuffix("\r\n") && lines.hasPrefix("X-Content-Type-Options: nosniff\r\n"))
            #expect(lines.utf8.split(separator: UInt8(ascii: "\n")).allSatisfy { $0.last == UInt8(ascii: "\r") })
        }
    }
}
