// SPDX-License-Identifier: MIT

/// Lines on their way to a sink: the one being written, those that wait for a slow reader, and a count of what was lost.
///
///     event                 nothing waits                 lines wait
///     line arrives          is offered to the sink        waits too; over the limit: counted as lost
///     sink took a part      the rest waits                the rest waits
///     sink failed           line lost, counted            all waiting lines lost, counted
///
/// After a failure in the middle of a line the next text starts with a line feed. The first text that gets through
/// after a loss is a note with the count.
package struct LogBacklog {
    /// Enough for any burst; a reader that stays behind this far has gone.
    static let limit = 256 * 1024

    private(set) var waiting: [UInt8] = []
    /// Lines lost and not yet reported in the log.
    private(set) var lostLines = 0
    private(set) var totalLostLines = 0
    private(set) var lastReason = ""
    private var isInsideLine = false
    /// How many bytes at the front of `waiting` are not lines that somebody logged.
    private var noteBytes = 0
    private var notedLosses = 0

    package init() {}

    var isEmpty: Bool { self.waiting.isEmpty }

    /// Queues a line, which ends with a line feed; `note` makes the line that reports a loss.
    mutating func add(_ line: [UInt8], note: (_ lost: Int, _ reason: String) -> [UInt8]) {
        guard self.waiting.count + line.count <= Self.limit else {
            self.lose(1, reason: "the reader of the log is too slow")
            return
        }
        if self.waiting.isEmpty { self.begin(note: note) }
        self.waiting += line
    }

    /// `count` bytes have been taken by the sink.
    mutating func written(_ count: Int) {
        guard count > 0, count <= self.waiting.count else { return }
        self.isInsideLine = self.waiting[count - 1] != UInt8(ascii: "\n")
        self.waiting.removeFirst(count)
        self.noteBytes = max(0, self.noteBytes - count)
        if self.noteBytes == 0 {
            self.lostLines -= self.notedLosses
            self.notedLosses = 0
        }
    }

    /// The sink takes nothing and will not do so soon.
    mutating func failed(reason: String) {
        let lines = self.waiting.dropFirst(self.noteBytes).count(where: { $0 == UInt8(ascii: "\n") })
        self.waiting.removeAll(keepingCapacity: true)
        self.noteBytes = 0
        self.notedLosses = 0
        self.lose(lines, reason: reason)
    }

    private mutating func begin(note: (_ lost: Int, _ reason: String) -> [UInt8]) {
        if self.isInsideLine { self.waiting.append(UInt8(ascii: "\n")) }
        if self.lostLines > 0 {
            self.waiting += note(self.lostLines, self.lastReason)
            self.notedLosses = self.lostLines
        }
        self.noteBytes = self.waiting.count
    }

    private mutating func lose(_ lines: Int, reason: String) {
        self.lostLines += lines
        self.totalLostLines += lines
        self.lastReason = reason
    }
}
