// SPDX-License-Identifier: MIT

/// A command line for `sh -c`.
enum ShellCommand {
    /// Makes the program of a simple command take the place of the shell, so that signals reach it and its PID is the one
    /// that is shown.
    ///
    /// Lists and what only the shell itself can do are left alone.
    static func replacingShell(_ command: String) -> String {
        let words = command.split(whereSeparator: \.isWhitespace)
        // The ampersand of `2>&1` is none that joins commands.
        let isList = command.replacing(">&", with: ">").contains(where: self.joinsCommands.contains)
        guard let first = words.first, !isList, !self.shellWords.contains(String(first)) else { return command }
        // `exec` itself takes no assignments.
        return first.contains("=") ? "exec env \(command)" : "exec \(command)"
    }

    /// Paths in it that look like those of code which it runs, as they stand there: programs, and what each is given first.
    ///
    /// What only a shell can tell (quotes, variables, patterns) is passed over, and so is what it finds by its search path.
    static func files(in command: String) -> [String] {
        let parts = command.split(whereSeparator: self.joinsCommands.contains)
        let files = parts.flatMap { part -> [Substring] in
            let words = part.split(whereSeparator: \.isWhitespace)
                .drop { $0.contains("=") || self.prefixes.contains(String($0)) }
            guard let program = words.first else { return [] }
            let script = words.dropFirst().first.flatMap { $0.hasPrefix("-") ? nil : $0 }
            return (program.contains("/") ? [program] : []) + (script.map { [$0] } ?? [])
        }
        return files.filter { $0.utf8.allSatisfy(self.isPlain) }.prefix(self.mostFiles).map(String.init)
    }

    private static let mostFiles = 8

    /// Programs that run the next word.
    private static let prefixes: Set<String> = ["exec", "env", "command", "nohup", "setsid"]

    private static func isPlain(_ byte: UInt8) -> Bool { !#"'"\$*?[]{}<>~#!"#.utf8.contains(byte) }

    private static let joinsCommands: Set<Character> = [";", "&", "|", "(", ")", "`", "\n"]

    /// Keywords and built-in commands with which a start command may sensibly begin.
    private static let shellWords: Set<String> = [
        "exec", "cd", "export", "set", "unset", "umask", "ulimit", ".", "source", "eval", "command", "trap", "if",
        "for", "while", "until", "case", "{", "!",
    ]
}
