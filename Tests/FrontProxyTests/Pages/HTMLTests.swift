// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct HTMLTests {
    @Test func `text is escaped, numbers and HTML are not`() {
        let text = "<b a=\"x\" c='y'> & \u{1B}[1mbold\u{0}"
        let inner: HTML = "<i>\(text)</i>"
        let all: HTML = "<p>\(inner) \(7) \([inner, .none])</p>"
        let escaped = "<i>&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt; &amp; bold\\x00</i>"
        #expect(inner.text == escaped)
        #expect(all.text == "<p>\(escaped) 7 \(escaped)</p>")
    }
}
