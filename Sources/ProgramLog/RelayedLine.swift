// SPDX-License-Identifier: MIT

/// A line that a process of ours hands to another one, which writes it: `<N>` (sd-daemon(3)) and the text.
///
/// Time, PID and the word of the severity are those of who writes, so that nobody can put other ones into the log.
package struct RelayedLine: Equatable, Sendable {
    /// nil: the line has none, and so is not one of our loggers'.
    package let priority: JournalPriority?
    package let text: String

    package init(parsing bytes: some Collection<UInt8>) {
        let head = Array(bytes.prefix(3))
        if head.count == 3, head[0] == UInt8(ascii: "<"), head[2] == UInt8(ascii: ">"),
            let priority = JournalPriority(rawValue: Int(head[1]) - Int(UInt8(ascii: "0")))
        {
            self.priority = priority
            self.text = String(decoding: bytes.dropFirst(3), as: UTF8.self)
        } else {
            self.priority = nil
            self.text = String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension Severity {
    /// The severity of what has this priority.
    init(_ priority: JournalPriority) {
        switch priority {
        case .critical: self = .fatal
        case .error: self = .error
        case .warning: self = .warning
        case .notice, .info: self = .info
        case .debug: self = .debug
        }
    }
}

extension LogOutput {
    /// Writes a line of another process of this program, in its name.
    ///
    /// What is not from a logger is what the system or a library prints there, such as the last words of a crash.
    package func writeRelayed(_ line: RelayedLine, from pid: Int32) {
        let priority = line.priority ?? .warning
        let text = line.priority == nil ? "output of the process: \(line.text)" : line.text
        self.write(severity: Severity(priority), priority: priority, message: text, pid: pid)
    }
}
