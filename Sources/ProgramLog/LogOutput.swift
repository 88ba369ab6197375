// SPDX-License-Identifier: MIT

import FairShare
package import LinuxSystem
import Logging
import ShownText
import Synchronization

/// The one place where the lines of a program leave it; shared by all its loggers and threads.
///
/// Each line is one `write`. Who makes it write too much loses lines (`LineBudget`). A full disk or a reader that stays
/// behind costs lines, which are counted and reported once writing works again; it never stops the program.
package final class LogOutput: Sendable {
    private struct State {
        let sink: any LogSink
        var backlog = LogBacklog()
        /// A thread waits for the slow reader and writes what is waiting.
        var hasFlusher = false
        var budget = LineBudget<LogSource>()
        /// A thread waits for the moment at which what was left out is told.
        var hasNoter = false
    }

    /// The process that the lines name.
    package let pid: Int32
    /// Whether lines of apps are marked as such.
    package let prefixesAppLines: Bool
    /// Whether lines begin with a priority for the journal.
    private let hasPriorities: Bool
    /// Whether somebody else puts the stamp in front of lines.
    private let isRelayed: Bool
    private let timestamp: @Sendable () -> String
    /// Since any start; never goes back.
    private let clock: @Sendable () -> Duration
    private let state: Mutex<State>

    /// `timestamp` gives local time as `YYYY-MM-DDTHH:MM:SS.ffffff`.
    package init(
        sink: sending any LogSink,
        pid: Int32 = CurrentProcess.pid,
        prefixesAppLines: Bool = true,
        isRelayed: Bool = false,
        timestamp: @escaping @Sendable () -> String = { LogTime.stamp(WallClock.localTime) },
        clock: @escaping @Sendable () -> Duration = { .nanoseconds(MonotonicClock.now) }
    ) {
        self.pid = pid
        self.prefixesAppLines = prefixesAppLines
        self.timestamp = timestamp
        self.clock = clock
        self.hasPriorities = isRelayed || sink.takesPriorities
        self.isRelayed = isRelayed
        self.state = Mutex(State(sink: sink))
    }

    /// The log on descriptor 2, or in the file at `path` if there is one.
    ///
    /// `takesStandardStreams`: what else the program prints goes to that file, too.
    package static func open(
        path: String?,
        takesStandardStreams: Bool = false,
        prefixesAppLines: Bool = true
    ) throws(SinkProblem) -> LogOutput {
        guard let path else {
            do throws(SystemError) {
                return LogOutput(sink: try FileSink(standardError: ()), prefixesAppLines: prefixesAppLines)
            } catch {
                throw .system(error)
            }
        }
        return LogOutput(
            sink: try FileSink(path: path, takesStandardStreams: takesStandardStreams),
            prefixesAppLines: prefixesAppLines
        )
    }

    /// The log in a file that somebody else keeps, too.
    package static func writing(to file: LogFile, prefixesAppLines: Bool = true) -> LogOutput {
        LogOutput(sink: FileSink(file), prefixesAppLines: prefixesAppLines)
    }

    /// The log of a process whose lines another one writes: without time, PID and word (``RelayedLine``).
    package static func relayed(to file: LogFile) -> LogOutput {
        LogOutput(sink: FileSink(file), isRelayed: true)
    }

    /// Lines lost so far to a full disk or a slow reader.
    package var lostLines: Int { self.state.withLock { $0.backlog.totalLostLines } }

    /// Opens the log file anew, after it has been moved away.
    package func reopen() throws {
        try self.state.withLock { try $0.sink.reopen() }
    }

    /// Tells what was left out, and gives a slow reader a last chance before the program ends.
    package func flush(limit: Duration = .milliseconds(500)) {
        self.writeNotes(isLast: true)
        let waiter = self.state.withLock { state in state.backlog.isEmpty ? nil : state.sink.waiter() }
        guard let waiter else { return }
        waiter(limit)
        self.state.withLock { Self.drain(&$0) }
    }

    /// Writes one line of what an app printed, behind its name; `line` has no line feed.
    ///
    /// It stays one line, and nothing in it reaches a terminal as an order: colours, too, are shown as what they are
    /// (`SafeText`). With `prefixesAppLines` off it stands alone, and is made fit to be shown all the same.
    package func writeAppLine(app: String, pid: Int32, line: some Collection<UInt8>) {
        guard self.admits(.output(of: app), bytes: line.count) else { return }
        var bytes: [UInt8] = []
        if self.prefixesAppLines {
            let head = LogLine.text(
                severity: .info,
                time: self.timestamp(),
                pid: self.pid,
                message: "app=\(LogLine.quotedIfNeeded(app)) App \(pid) output: "
            )
            bytes += head.utf8
        }
        SafeText.appendOutputLine(line, to: &bytes)
        self.write(bytes, .info)
    }

    /// `priority` is what the journal is told; nil: that of the severity.
    ///
    /// `isLimited`: the budget of who causes the line counts.
    /// `pid`: the process that speaks; nil: this one.
    func write(
        severity: Severity,
        priority: JournalPriority? = nil,
        message: String,
        metadata: LogMetadata = [:],
        isLimited: Bool = false,
        pid: Int32? = nil
    ) {
        let text = self.text(severity: severity, message: message, metadata: metadata, pid: pid)
        if isLimited, !self.admits(LogSource(of: metadata), bytes: text.utf8.count) { return }
        self.write(Array(text.utf8), priority ?? JournalPriority(severity))
    }

    // MARK: Budgets

    /// Whether a source may write a line now; if not, that will be told.
    private func admits(_ source: LogSource, bytes: Int) -> Bool {
        let now = self.clock()
        let (isAdmitted, needsNoter) = self.state.withLock { state in
            let isAdmitted = state.budget.admit(source == .program ? nil : source, bytes: bytes, at: now)
            let needsNoter = state.budget.nextNote != nil && !state.hasNoter
            if needsNoter { state.hasNoter = true }
            return (isAdmitted, needsNoter)
        }
        if needsNoter { self.startNoter() }
        return isAdmitted
    }

    /// Tells what was left out, if it is time for it or the last moment.
    func writeNotes(isLast: Bool = false) {
        let now = self.clock()
        for note in self.state.withLock({ isLast ? $0.budget.lastNotes() : $0.budget.dueNotes(at: now) }) {
            var facts: LogMetadata = if case .source(let source) = note.author { source.facts } else { [:] }
            facts["lines"] = "\(note.lines)"
            self.write(
                severity: .warning,
                message: "lines were left out of this log, because there were too many",
                metadata: facts
            )
        }
    }

    private func startNoter() {
        do {
            try OSThread.startDetached(name: "log-notes") { self.runNoter() }
        } catch {
            self.state.withLock { $0.hasNoter = false }
        }
    }

    private func runNoter() {
        while true {
            let wait = self.state.withLock { state -> Duration? in
                guard let next = state.budget.nextNote else {
                    state.hasNoter = false
                    return nil
                }
                return next - self.clock()
            }
            guard let wait else { return }
            // Fails for lack of memory only; then it looks again at once.
            if wait > .zero { _ = try? Poll.wait([], timeout: wait) }
            self.writeNotes()
        }
    }

    private func text(
        severity: Severity,
        message: String,
        metadata: LogMetadata,
        pid: Int32? = nil
    ) -> String {
        guard !self.isRelayed else { return LogLine.body(message: message, metadata: metadata) }
        return LogLine.text(
            severity: severity,
            time: self.timestamp(),
            pid: pid ?? self.pid,
            message: message,
            metadata: metadata
        )
    }

    /// The bytes of a line as they leave the program.
    private func whole(_ line: [UInt8], _ priority: JournalPriority) -> [UInt8] {
        (self.hasPriorities ? priority.prefix : []) + line + [UInt8(ascii: "\n")]
    }

    private func write(_ line: [UInt8], _ priority: JournalPriority) {
        let line = self.whole(line, priority)
        let needsFlusher = self.state.withLock { state in
            // Lines that wait go first; if they cannot, the new one joins them.
            if !state.backlog.isEmpty { Self.drain(&state) }
            state.backlog.add(line) { lost, reason in
                let text = self.text(
                    severity: .warning,
                    message: "lines of this log were lost",
                    metadata: ["lines": "\(lost)", LogLine.reasonKey: "\(reason)"]
                )
                return self.whole(Array(text.utf8), .warning)
            }
            Self.drain(&state)
            guard !state.backlog.isEmpty, !state.hasFlusher else { return false }
            state.hasFlusher = true
            return true
        }
        if needsFlusher { self.startFlusher() }
    }

    /// Without it the last lines of a burst would wait for the next line.
    private func startFlusher() {
        do {
            try OSThread.startDetached(name: "log") { self.runFlusher() }
        } catch {
            self.state.withLock { $0.hasFlusher = false }
        }
    }

    private func runFlusher() {
        while true {
            let waiter = self.state.withLock { state in state.sink.waiter() }
            waiter(.seconds(1))
            let isDone = self.state.withLock { state in
                Self.drain(&state)
                guard state.backlog.isEmpty else { return false }
                state.hasFlusher = false
                return true
            }
            if isDone { return }
        }
    }

    private static func drain(_ state: inout State) {
        while !state.backlog.isEmpty {
            switch state.backlog.waiting.withUnsafeBytes({ state.sink.append($0) }) {
            case .wrote(let count) where count > 0: state.backlog.written(count)
            case .wrote, .busy: return
            case .failed(let reason): state.backlog.failed(reason: reason)
            }
        }
    }
}
