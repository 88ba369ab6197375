// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct ShownTextTests {
    @Test(arguments: [
        ("plain\ttext\nübrigens 👍\n", "plain\ttext\nübrigens 👍\n"),
        ("\u{1B}[1;31mred\u{1B}[0m", "red"),
        ("\u{1B}[38;2;1;2;3mx\u{1B}[K", "x"),
        ("\u{9B}31mred", "red"),
        ("\u{1B}]0;evil title\u{07}x", "x"),
        ("\u{1B}]8;;file:///etc\u{1B}\\link", "link"),
        ("\u{1B}P1$r\u{1B}\\x", "x"),
        ("\u{1B}(Bx\u{1B}7\u{1B}c", "x"),
        ("a\r\nb\rc", "a\nb\\u{d}c"),
        ("\0\u{7}\u{7F}", "\\u{0}\\u{7}\\u{7f}"),
        ("\u{1B}", "\\u{1b}"),
        ("\u{1B}[", "\\u{1b}["),
        ("\u{1B}[1;\u{1}", "\\u{1b}[1;\\u{1}"),
        ("\u{1B}]never ends", "\\u{1b}]never ends"),
        ("a\u{202E}b\u{2066}c\u{FEFF}", "a\\u{202e}b\\u{2066}c\\u{feff}"),
        ("\u{85}\u{2028}", "\\u{85}\\u{2028}"),
    ])
    func `text is shown, never obeyed`(text: String, shown: String) {
        #expect(ShownText.cleaned(text) == shown)
    }

    @Test func `a long line of escapes takes no longer than it should`() {
        let text = String(repeating: "\u{1B}]", count: 100_000)
        #expect(ShownText.cleaned(text).unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }
}
