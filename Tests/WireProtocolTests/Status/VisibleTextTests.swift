// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

struct VisibleTextTests {
    @Test func `what a terminal would obey is shown`() {
        #expect(VisibleText.line("\u{1B}[31mred\u{7}") == #"\u{1b}[31mred\u{7}"#)
        #expect(VisibleText.line("a\nb\tc\rd") == #"a\u{a}b\u{9}c\u{d}d"#)
        #expect(VisibleText.line("a\r\nb") == #"a\u{d}\u{a}b"#)
        #expect(VisibleText.line("\u{9B}31m\u{85}") == #"\u{9b}31m\u{85}"#)
        #expect(VisibleText.line("txt.\u{202E}exe\u{2066}\u{200F}") == #"txt.\u{202e}exe\u{2066}\u{200f}"#)
        #expect(VisibleText.line("\u{2028}\u{2029}\u{FEFF}") == #"\u{2028}\u{2029}\u{feff}"#)
        #expect(VisibleText.line("grüße €𝄞 e\u{301}") == "grüße €𝄞 e\u{301}")
    }

    @Test func `lines are kept, tabs become spaces, a bare carriage return is shown`() {
        #expect(VisibleText.lines("") == [])
        #expect(VisibleText.lines("one\ntwo") == ["one", "two"])
        #expect(VisibleText.lines("one\r\n\r\ntwo\n") == ["one", "", "two", ""])
        #expect(VisibleText.lines("\tmain.go:3\rx") == [#"    main.go:3\u{d}x"#])
    }

    @Test func `no input leaves a control character`() {
        for value in 0..<UInt32(0x3000) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let shown = VisibleText.lines("x" + String(scalar) + "y").joined().unicodeScalars
            #expect(shown.allSatisfy { $0.properties.generalCategory != .control }, "\(value)")
        }
    }
}
