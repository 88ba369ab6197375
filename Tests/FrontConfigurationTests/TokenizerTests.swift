// SPDX-License-Identifier: MIT

import Testing

@testable import FrontConfiguration

struct TokenizerTests {
    private func tokens(_ text: String) throws(Diagnostic) -> [Tokenizer.Token] {
        var tokenizer = Tokenizer(Array(text.utf8), file: "f")
        var tokens: [Tokenizer.Token] = []
        while true {
            let token = try tokenizer.next()
            guard token != .end else { return tokens }
            tokens.append(token)
        }
    }

    @Test func `words end at blanks and signs`() throws {
        #expect(
            try tokens("a  b;c{d;}\te\r\n") == [
                .word("a"), .word("b"), .semicolon, .word("c"), .open, .word("d"), .semicolon, .close,
                .word("e"),
            ]
        )
    }

    @Test func `quotes hold blanks and signs`() throws {
        #expect(try tokens(#""a b;{}#" 'c "d"';"#) == [.word("a b;{}#"), .word("c \"d\""), .semicolon])
        #expect(try tokens("''") == [.word("")])
    }

    @Test func `a quote inside a word is part of it`() throws {
        #expect(try tokens(#"a"b c"#) == [.word(#"a"b"#), .word("c")])
    }

    @Test func `a backslash escapes`() throws {
        #expect(
            try tokens(#""a\"b" c\\d e\.f "x\ty\n" 'it\'s'"#) == [
                .word("a\"b"), .word(#"c\d"#), .word(#"e\.f"#), .word("x\ty\n"), .word("it's"),
            ]
        )
        #expect(try tokens(#"a\ b a\;b"#) == [.word(#"a\ b"#), .word(#"a\;b"#)])
    }

    @Test func `comments begin at the beginning of words only`() throws {
        #expect(try tokens("a # b ; c\nd#e # f") == [.word("a"), .word("d#e")])
    }

    @Test func `variables stay as text`() throws {
        #expect(try tokens("$a ${b}c;{") == [.word("$a"), .word("${b}c"), .semicolon, .open])
        #expect(try tokens(#"a\${ a${{b"#) == [.word(#"a\$"#), .open, .word("a${{b")])
    }

    @Test func `a closing brace is a sign at the beginning of a word only`() throws {
        #expect(try tokens("a}b c};}") == [.word("a}b"), .word("c}"), .semicolon, .close])
    }

    @Test func `a parenthesis behind a quote begins the next word`() throws {
        #expect(
            try tokens(#"($a != 'x'){ ("y") }"#) == [
                .word("($a"), .word("!="), .word("x"), .word(")"), .open,
                .word(#"("y")"#), .close,
            ]
        )
    }

    @Test(arguments: ["'a'b", "'a''b'", "'a'#", "'a'}", "'a'\\n"])
    func `behind a quote comes a blank or a sign`(_ text: String) {
        #expect(throws: Diagnostic.self) { try tokens(text) }
    }

    @Test func `lines are counted through comments and quotes`() throws {
        var tokenizer = Tokenizer(Array("a # x\n'b\nc' d\n\ne".utf8), file: "f")
        var lines: [Int] = []
        while try tokenizer.next() != .end { lines.append(tokenizer.line) }
        #expect(lines == [1, 2, 3, 5])
    }

    @Test func `broken text is an error at its line`() {
        #expect(
            throws: Diagnostic(
                file: "f",
                line: 2,
                severity: .error,
                message: "the closing quote of this text is missing"
            )
        ) { try tokens("a\n'b\n") }
        #expect(throws: Diagnostic.self) { try tokens("'a'b") }
        #expect(throws: Diagnostic.self) { try tokens("a\0b") }
    }

    @Test func `a byte order mark is passed over`() throws {
        #expect(try tokens("\u{FEFF}a;") == [.word("a"), .semicolon])
    }

    @Test func `bytes that are no text in UTF-8 are an error`() {
        var tokenizer = Tokenizer([0x61, 0xFF], file: "f")
        #expect(throws: Diagnostic.self) { try tokenizer.next() }
    }

    @Test func `random bytes end in tokens or an error`() {
        var random = SeededGenerator(seed: 42)
        let alphabet = Array("ab \n;{}'\"\\#$\0\u{FF}".utf8)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            var tokenizer = Tokenizer(bytes, file: "f")
            var count = 0
            while let token = try? tokenizer.next(), token != .end { count += 1 }
            #expect(count <= bytes.count)
        }
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
