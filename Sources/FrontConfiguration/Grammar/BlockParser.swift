// SPDX-License-Identifier: MIT

import AppSettings

/// Reads directives and blocks from files, with the files of `include` in the place of that directive.
struct BlockParser {
    private let files: any ConfigurationFiles
    /// Folder that relative names of `include` begin at.
    private let baseDirectory: String
    private var openFiles: [String] = []

    private static let maxIncludeDepth = 32
    private static let maxBlockDepth = 64

    init(files: any ConfigurationFiles, baseDirectory: String) {
        self.files = files
        self.baseDirectory = baseDirectory
    }

    mutating func parse(file: String, includedAt place: SourceLocation? = nil) throws(Diagnostic) -> [Directive] {
        let here = place ?? SourceLocation(file: file, line: 0)
        guard !openFiles.contains(where: file.isExactly) else { throw here.error("\(file) includes itself") }
        guard openFiles.count < Self.maxIncludeDepth else { throw here.error("files are included too deeply") }
        let bytes: [UInt8]
        switch files.contents(of: file) {
        case .success(let contents): bytes = contents
        case .failure(let error): throw here.error("cannot read \(file): \(error.reason)")
        }
        openFiles.append(file)
        defer { openFiles.removeLast() }
        var tokens = Tokenizer(bytes, file: file)
        return try block(&tokens, opening: nil, depth: 0)
    }

    /// Reads up to the end of the block, or of the file if no block was opened.
    private mutating func block(
        _ tokens: inout Tokenizer,
        opening: SourceLocation?,
        depth: Int
    ) throws(Diagnostic) -> [Directive] {
        guard depth < Self.maxBlockDepth else { throw tokens.location.error("blocks are nested too deeply") }
        var directives: [Directive] = []
        while true {
            switch try tokens.next() {
            case .word(let name):
                directives += try directive(name, &tokens, at: tokens.location, depth: depth)
            case .semicolon: throw tokens.location.error("unexpected \";\"")
            case .open: throw tokens.location.error("unexpected \"{\"")
            case .close:
                guard opening != nil else { throw tokens.location.error("unexpected \"}\"") }
                return directives
            case .end:
                guard let opening else { return directives }
                throw tokens.location.error("end of file, but the block opened in line \(opening.line) is not closed")
            }
        }
    }

    private mutating func directive(
        _ name: String,
        _ tokens: inout Tokenizer,
        at location: SourceLocation,
        depth: Int
    ) throws(Diagnostic) -> [Directive] {
        var arguments: [String] = []
        var lastLine = location.line
        // A word that begins a line and may begin a directive, which the next token tells.
        var suspect: (name: String, line: Int, lineBefore: Int)?
        while true {
            let token = try tokens.next()
            if let suspect, tokens.line == suspect.line, token.continuesDirective {
                throw SourceLocation(file: location.file, line: suspect.lineBefore)
                    .error("directive \"\(name)\" is not ended by \";\" before \"\(suspect.name)\"")
            }
            suspect = nil
            switch token {
            case .word(let argument):
                if tokens.line > lastLine, !tokens.isQuoted, Self.isDirective(argument) {
                    suspect = (argument, tokens.line, lineBefore: lastLine)
                }
                lastLine = tokens.line
                arguments.append(argument)
            case .semicolon:
                guard name == "include" else { return [Directive(name, arguments, location: location)] }
                return try include(arguments, at: location)
            case .open:
                try Self.checkLanguage(ofBlock: name, at: location)
                let inner = try block(&tokens, opening: location, depth: depth + 1)
                return [Directive(name, arguments, block: inner, location: location)]
            case .close, .end:
                throw location.error("directive \"\(name)\" is not ended by \";\"")
            }
        }
    }

    /// A block that is not written in this grammar can only be refused before it is read.
    private static func checkLanguage(ofBlock name: String, at location: SourceLocation) throws(Diagnostic) {
        guard name.hasSuffix("_by_lua_block") else { return }
        throw location.error("\"\(name)\" cannot be used: there is no Lua here")
    }

    /// Whether a word that begins a line begins a directive: then the one before lacks its semicolon.
    private static func isDirective(_ word: String) -> Bool {
        if DirectiveTable.rule(for: word) != nil { return true }
        return word.hasPrefix("passenger_") && SettingCatalog.named(String(word.dropFirst("passenger_".count))) != nil
    }

    private mutating func include(
        _ arguments: [String],
        at location: SourceLocation
    ) throws(Diagnostic) -> [Directive] {
        guard arguments.count == 1, let argument = arguments.first else {
            throw location.error("\"include\" takes one file or pattern")
        }
        let path = argument.utf8.first == UInt8(ascii: "/") ? argument : "\(baseDirectory)/\(argument)"
        let isPattern = path.contains { $0 == "*" || $0 == "?" || $0 == "[" }
        var directives: [Directive] = []
        for file in isPattern ? files.paths(matching: path) : [path] {
            directives += try parse(file: file, includedAt: location)
        }
        return directives
    }
}
