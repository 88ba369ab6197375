// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import FrontProxy

struct PagesTests {
    static let content = Pages.Content(status: 500, title: "T", message: "<b> & \"quote\"\n'x'", errorID: "0badcafe")

    @Test func `HTML is escaped`() {
        var buffer = ByteBuffer()
        Pages(product: "P<>").render(Self.content, as: .html, into: &buffer)
        let page = String(buffer: buffer)
        #expect(page.contains("<p>&lt;b&gt; &amp; &quot;quote&quot;\n&#39;x&#39;</p>"))
        #expect(page.contains("<code>0badcafe</code>") && page.contains("<footer>P&lt;&gt;</footer>"))
    }

    @Test func `JSON is escaped`() {
        var buffer = ByteBuffer()
        Pages(product: "P").render(Self.content, as: .json, into: &buffer)
        #expect(
            String(buffer: buffer)
                == #"{"status":500,"error":"T","message":"<b> & \"quote\"\n'x'","error_id":"0badcafe"}"# + "\n"
        )
        #expect(Pages.escapedForJSON("\u{1}\\") == "\\u0001\\\\")
    }
}
