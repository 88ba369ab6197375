// SPDX-License-Identifier: MIT

import ShownText
import Testing

@Suite struct SafeTextTests {
    private static let plain = [
        "", "plain", "größe €𝄞 e\u{301}", "👩\u{200D}💻 ❤\u{FE0F}", "日本語 العربية", "a\\b \"c\" 'd'",
    ]

    @Test(arguments: plain)
    func `what is no danger stays as it is`(text: String) {
        #expect(SafeText.line(text) == text)
        #expect(SafeText.block(text) == text)
        #expect(outputLine(Array(text.utf8)) == text)
        #expect(SafeText.lines(text).joined(separator: "\n") == text)
        #expect(SafeText.json(text) == text)
    }

    @Test(arguments: [
        ("\u{1B}[31mred\u{7}", #"\x1b[31mred\x07"#),
        ("a\nb\tc\rd\r\n", #"a\nb\tc\rd\r\n"#),
        ("\0\u{8}\u{7F}", #"\x00\x08\x7f"#),
        ("\u{9B}31m\u{85}", #"\u{9b}31m\u{85}"#),
        ("txt.\u{202E}exe\u{2066}\u{200F}\u{61C}", #"txt.\u{202e}exe\u{2066}\u{200f}\u{61c}"#),
        ("\u{2028}\u{2029}\u{FEFF}", #"\u{2028}\u{2029}\u{feff}"#),
        ("pub\u{600}/\u{6DD}\u{110BD}", #"pub\u{600}/\u{6dd}\u{110bd}"#),
        ("\u{E0041}\u{E0001}\u{E0100}", #"\u{e0041}\u{e0001}\u{e0100}"#),
        ("a\u{AD}\u{200B}\u{2060}\u{3164}\u{115F}\u{34F}", #"a\u{ad}\u{200b}\u{2060}\u{3164}\u{115f}\u{34f}"#),
    ])
    func `what would be obeyed or not be seen is shown`(text: String, shown: String) {
        #expect(SafeText.line(text) == shown)
        #expect(SafeText.line(text[...]) == shown)
    }

    @Test func `no character gets through that is a control, a separator of lines, or a format character`() {
        let allowed: Set<Unicode.Scalar> = ["\u{200C}", "\u{200D}"]
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), !SafeText.hides(scalar) else { continue }
            #expect(!scalar.properties.isNoncharacterCodePoint)
            let category = scalar.properties.generalCategory
            let isBad =
                [.control, .format, .lineSeparator, .paragraphSeparator].contains(category)
                || (0xE0000..<0xE1000).contains(value)
            #expect(!isBad || allowed.contains(scalar), "U+\(String(value, radix: 16))")
        }
    }

    @Test(
        arguments: [
            ([0xFF], #"\xff"#), ([0xC3], #"\xc3"#), ([0xC3, 0x41], #"\xc3A"#), ([0x80, 0xC3, 0xA9], "\\x80é"),
            // Overlong forms of a slash and of ESC, a surrogate, beyond Unicode, a cut character.
            ([0xC0, 0xAF], #"\xc0\xaf"#), ([0xE0, 0x80, 0x9B], #"\xe0\x80\x9b"#),
            ([0xED, 0xA0, 0x80], #"\xed\xa0\x80"#),
            ([0xF4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#), ([0xF0, 0x9F, 0x91], #"\xf0\x9f\x91"#),
            ([0xF5, 0x80, 0x80, 0x80], #"\xf5\x80\x80\x80"#), ([0xC2, 0x9B], #"\u{9b}"#),
            ([0xF0, 0x9F, 0x91, 0x8D], "👍"),
        ] as [([UInt8], String)]
    )
    func `bytes that are no UTF-8 are shown one by one`(bytes: [UInt8], shown: String) {
        #expect(outputLine(bytes) == shown)
    }

    @Test func `whatever bytes come, what is shown is UTF-8 and harmless`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                [UInt8.random(in: 0...255), 0x1B, 0xE2, 0x80, 0xAE, 0xF3, 0xA0, 0x81].randomElement() ?? 0
            }
            var shown: [UInt8] = []
            SafeText.appendOutputLine(bytes, to: &shown)
            let text = String(validating: shown, as: UTF8.self)
            #expect(text?.unicodeScalars.allSatisfy { $0 == "\t" || !SafeText.hides($0) } == true, "\(bytes)")
        }
    }

    @Test func `a line of output keeps its tabs, and cannot begin anew`() {
        #expect(outputLine(Array("\tat x.js\r".utf8)) == "\tat x.js")
        #expect(outputLine(Array("real\rF, [2030] FATAL".utf8)) == #"real\rF, [2030] FATAL"#)
        #expect(outputLine(Array("\r\r".utf8)) == #"\r"#)
    }

    @Test(arguments: [
        ("/srv/shop", "/srv/shop"), ("größe-1.2_3", "größe-1.2_3"), ("", #""""#), ("a b", #""a b""#),
        ("/srv/d: chmod 4755 /x #", #""/srv/d: chmod 4755 /x #""#), (#"a"b\"#, #""a\"b\\""#), ("a\nb", #""a\nb""#),
        ("a\u{A0}b", "\"a\u{A0}b\""), ("pub\u{600}", #""pub\u{600}""#), ("a,b", #""a,b""#), ("it's", #""it's""#),
    ])
    func `a name in a sentence is one word, or stands between quotes`(name: String, shown: String) {
        #expect(SafeText.name(name) == shown)
    }

    @Test func `lines are kept, tabs become spaces, a bare carriage return is shown`() {
        #expect(SafeText.lines("") == [])
        #expect(SafeText.lines("one\r\n\r\ntwo\n") == ["one", "", "two", ""])
        #expect(SafeText.lines("\tmain.go:3\rx") == [#"    main.go:3\rx"#])
    }

    @Test(arguments: [
        ("plain\ttext\nübrigens 👍\n", "plain\ttext\nübrigens 👍\n"),
        ("\u{1B}[1;31mred\u{1B}[0m", "red"),
        ("\u{1B}[38;2;1;2;3mx\u{1B}[K", "x"),
        ("\u{9B}31mred", "red"),
        ("\u{1B}]0;evil title\u{07}x", "x"),
        ("\u{1B}]8;;file:///etc\u{1B}\\link", "link"),
        ("\u{1B}P1$r\u{1B}\\x", "x"),
        ("\u{1B}(Bx\u{1B}7\u{1B}c", "x"),
        ("a\r\nb\rc", "a\nb\\rc"),
        ("\0\u{7}\u{7F}", "\\x00\\x07\\x7f"),
        ("\u{1B}", "\\x1b"),
        ("\u{1B}[", "\\x1b["),
        ("\u{1B}[1;\u{1}", "\\x1b[1;\\x01"),
        ("\u{1B}]never ends", "\\x1b]never ends"),
        ("\u{1B}\u{1B}[31m[31m", "\\x1b[31m"),
        ("a\u{202E}b\u{2066}c\u{FEFF}", "a\\u{202e}b\\u{2066}c\\u{feff}"),
        ("\u{85}\u{2028}", "\\u{85}\\u{2028}"),
    ])
    func `a block loses colours and other orders, and keeps its lines`(text: String, shown: String) {
        #expect(SafeText.block(text) == shown)
    }

    @Test func `a long line of escapes takes no longer than it should`() {
        let text = String(repeating: "\u{1B}]", count: 100_000)
        #expect(SafeText.block(text).unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }

    @Test func `JSON is escaped as JSON`() {
        #expect(SafeText.jsonString("\u{1}\\\"\n") == #"\u0001\\\"\n"#)
        #expect(SafeText.jsonString("\u{E0041}é") == "\\udb40\\udc41é")
        #expect(
            SafeText.json("{\"a\":\"é\u{9B}31m\u{202E}\u{E0041}\"}\n") == #"{"a":"é\u009b31m\u202e\udb40\udc41"}"#
                + "\n"
        )
    }

    private func outputLine(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        SafeText.appendOutputLine(bytes, to: &result)
        return String(decoding: result, as: UTF8.self)
    }
}
