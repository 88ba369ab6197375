// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import FrontProxy

struct PagesTests {
    static let content = Pages.Content(
        status: 500,
        title: "T",
        message: "<b> & \"quote\"\n'x'",
        hints: ["look <here>", "or there"],
        errorID: "0badcafe"
    )

    private func rendered(_ content: Pages.Content, _ format: PageFormat) -> String {
        var buffer = ByteBuffer()
        Pages(product: "P<>").render(content, as: format, into: &buffer)
        return String(buffer: buffer)
    }

    @Test func `HTML is escaped`() {
        let page = rendered(Self.content, .html)
        #expect(page.contains("<p>&lt;b&gt; &amp; &quot;quote&quot;\n&#39;x&#39;</p>"))
        #expect(page.contains("<code>0badcafe</code>") && page.contains("<footer>P&lt;&gt;</footer>"))
        #expect(page.contains("<p>look &lt;here&gt;</p>\n<p>or there</p>"))
        #expect(!page.contains("//") && !page.contains("<script"))
    }

    @Test func `what is not there leaves no trace`() {
        let page = rendered(Pages.Content(status: 404, title: "T", message: "M"), .html)
        #expect(!page.contains("Error ID") && !page.contains("<div"))
        #expect(rendered(Pages.Content(status: 404, title: "T", message: "M"), .text) == "404 T\n\nM\n")
    }

    @Test func `JSON is escaped`() {
        #expect(
            rendered(Self.content, .json)
                == #"{"status":500,"error":"T","message":"<b> & \"quote\"\n'x'","error_id":"0badcafe"}"# + "\n"
        )
    }

    @Test func `text has a paragraph for each thing`() {
        let text = "500 T\n\n<b> & \"quote\"\n'x'\n\nError ID: 0badcafe\n\nlook <here>\n\nor there\n"
        #expect(rendered(Self.content, .text) == text)
    }
}
