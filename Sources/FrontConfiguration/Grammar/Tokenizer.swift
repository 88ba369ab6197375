// SPDX-License-Identifier: MIT

/// Splits the text of a configuration file into words and signs, as nginx does (`ngx_conf_read_token`).
///
/// - A bare word ends at a blank, `;` or `{`; a `{` right after `$` and every `}` belong to it.
/// - A word that begins with a quote ends at the next one, after which a blank, `;`, `{` or `)` has to follow. The `)` begins
///   the next word.
/// - A backslash takes the meaning off the next character (`\t`, `\r`, `\n` are the control characters; before others than
///   quotes and backslashes it stays in the word).
/// - `#` at the beginning of a word starts a comment; `}` is a sign only there.
struct Tokenizer {
    enum Token: Equatable {
        case word(String)
        case semicolon
        case open
        case close
        case end

        /// Whether what stands before it on the line is the beginning of a directive.
        var continuesDirective: Bool {
            switch self {
            case .word, .open: true
            case .semicolon, .close, .end: false
            }
        }
    }

    private let bytes: [UInt8]
    private var position = 0
    private let file: String
    /// Line of the token that was read last.
    private(set) var line = 1
    /// Whether that token is a word in quotes, which is never a directive.
    private(set) var isQuoted = false
    private var currentLine = 1

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
        // A byte order mark, left by some editors.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    var location: SourceLocation { SourceLocation(file: file, line: line) }

    mutating func next() throws(Diagnostic) -> Token {
        skipBlanksAndComments()
        line = currentLine
        isQuoted = false
        guard position < bytes.count else { return .end }
        switch bytes[position] {
        case UInt8(ascii: ";"): return sign(.semicolon)
        case UInt8(ascii: "{"): return sign(.open)
        case UInt8(ascii: "}"): return sign(.close)
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return try quoted(by: bytes[position])
        default: return try bare()
        }
    }

    private mutating func sign(_ token: Token) -> Token {
        position += 1
        return token
    }

    private mutating func skipBlanksAndComments() {
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "#") {
                while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
            } else if Self.isBlank(byte) {
                advance(over: byte)
            } else {
                return
            }
        }
    }

    private mutating func advance(over byte: UInt8) {
        if byte == UInt8(ascii: "\n") { currentLine += 1 }
        position += 1
    }

    private mutating func quoted(by quote: UInt8) throws(Diagnostic) -> Token {
        position += 1
        isQuoted = true
        var word: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            if byte == quote {
                position += 1
                try checkEndOfQuoted()
                return try finish(word)
            }
            if byte == UInt8(ascii: "\\") {
                takeEscape(into: &word)
            } else {
                word.append(byte)
                advance(over: byte)
            }
        }
        throw location.error("the closing quote of this text is missing")
    }

    private func checkEndOfQuoted() throws(Diagnostic) {
        guard position < bytes.count else { return }
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: ";"), UInt8(ascii: "{"), UInt8(ascii: ")"): return
        case _ where Self.isBlank(byte): return
        default: break
        }
        let rest = String(decoding: bytes[position...].prefix { !Self.isBlank($0) }.prefix(20), as: UTF8.self)
        throw SourceLocation(file: file, line: currentLine)
            .error("unexpected \"\(rest)\" after the closing quote; a blank is missing")
    }

    private mutating func bare() throws(Diagnostic) -> Token {
        var word: [UInt8] = []
        var isAfterDollar = false
        while position < bytes.count {
            let byte = bytes[position]
            if Self.isBlank(byte) || byte == UInt8(ascii: ";") { break }
            if byte == UInt8(ascii: "{"), !isAfterDollar { break }
            if byte == UInt8(ascii: "\\") {
                takeEscape(into: &word)
                isAfterDollar = false
            } else {
                word.append(byte)
                position += 1
                isAfterDollar = byte == UInt8(ascii: "$") || isAfterDollar && byte == UInt8(ascii: "{")
            }
        }
        return try finish(word)
    }

    private mutating func takeEscape(into word: inout [UInt8]) {
        position += 1
        guard position < bytes.count else {
            word.append(UInt8(ascii: "\\"))
            return
        }
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): word.append(byte)
        case UInt8(ascii: "t"): word.append(UInt8(ascii: "\t"))
        case UInt8(ascii: "r"): word.append(UInt8(ascii: "\r"))
        case UInt8(ascii: "n"): word.append(UInt8(ascii: "\n"))
        default: word += [UInt8(ascii: "\\"), byte]
        }
        advance(over: byte)
    }

    private func finish(_ word: [UInt8]) throws(Diagnostic) -> Token {
        guard !word.contains(0), let text = String(validating: word, as: UTF8.self) else {
            throw location.error("this is no text in UTF-8")
        }
        return .word(text)
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): true
        default: false
        }
    }
}
