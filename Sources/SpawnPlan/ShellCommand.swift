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

    private static let joinsCommands: Set<Character> = [";", "&", "|", "(", ")", "`", "\n"]

    /// Keywords and built-in commands with which a start command may sensibly begin.
    private static let shellWords: Set<String> = [
        "exec", "cd", "export", "set", "unset", "umask", "ulimit", ".", "source", "eval", "command", "trap", "if",
        "for", "while", "until", "case", "{", "!",
    ]
}
