// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import Synchronization

/// The access logs of a configuration as the master writes them for its workers; safe from any thread.
///
/// A worker has no descriptor of a log: whoever takes one over can add lines of its own, and neither change nor remove what is
/// there. What cannot be written (disk full) is lost, counted and reported. A line that was cut off is ended before the next one,
/// so that no line begins inside another.
final class AccessLogFiles: Sendable {
    private struct State {
        var loss = AccessLogLoss()
        /// Logs whose last line was cut off.
        var torn: Set<Int> = []
    }

    private let files: [LogFile]
    private let names: [String]
    private let logger: Logger
    private let state = Mutex(State())

    /// One file per log, in the order of the configuration; `names` are their paths, for messages.
    init(files: [LogFile], names: [String], logger: Logger) {
        self.files = files
        self.names = names
        self.logger = logger
    }

    var count: Int { files.count }

    /// Appends lines to a log, with one `write` where the file takes all of it.
    func write(_ lines: [UInt8], to log: Int) {
        let isTorn = state.withLock { $0.torn.contains(log) }
        let bytes = (isTorn ? [UInt8(ascii: "\n")] : []) + Self.clean(lines)
        let failure = append(bytes, to: files[log])
        let now = Int64(clamping: MonotonicClock.now / 1_000_000)
        let report = state.withLock { state -> AccessLogLoss.Report? in
            if let failure {
                let lost = Self.lineCount(bytes[failure.offset...]) - (isTorn && failure.offset == 0 ? 1 : 0)
                state.loss.add(lines: lost, log: log, reason: failure.reason)
                if failure.offset > 0 {
                    let isCut = bytes[failure.offset - 1] != UInt8(ascii: "\n")
                    if isCut { state.torn.insert(log) } else { state.torn.remove(log) }
                }
            } else {
                state.torn.remove(log)
            }
            return state.loss.report(at: now)
        }
        if let report { report.log(logger, names: names) }
    }

    /// Lines of printable ASCII, which is what a worker writes; anything else would be for somebody's terminal.
    private static func clean(_ lines: [UInt8]) -> [UInt8] {
        var lines = lines
        for index in lines.indices where lines[index] < 0x20 || lines[index] > 0x7E {
            if lines[index] != UInt8(ascii: "\n") { lines[index] = UInt8(ascii: "?") }
        }
        if lines.last != UInt8(ascii: "\n") { lines.append(UInt8(ascii: "\n")) }
        return lines
    }

    private func append(_ lines: [UInt8], to file: LogFile) -> (offset: Int, reason: String)? {
        let target = file.descriptor
        var offset = 0
        while offset < lines.count {
            let outcome = lines[offset...]
                .withUnsafeBytes { bytes in
                    Result { () throws(SystemError) -> Transfer in try Transfers.write(target.rawValue, bytes) }
                }
            switch outcome {
            case .success(.bytes(let count)): offset += count
            case .success(.wouldBlock), .success(.endOfStream): return (offset, "the reader of the log is too slow")
            case .failure(let error): return (offset, error.reason)
            }
        }
        return nil
    }

    static func lineCount(_ lines: some Sequence<UInt8>) -> Int {
        lines.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    }
}

/// Counts lost lines and decides when to speak of them: at once, then at most every ten seconds.
struct AccessLogLoss {
    struct Report: Equatable {
        var lines: Int
        /// The last one that lost any.
        var log: Int
        var reason: String

        func log(_ logger: Logger, names: [String]) {
            logger.error(
                "lines of the access log were lost",
                metadata: [
                    LogKeys.count: "\(lines)",
                    LogKeys.file: "\(names.indices.contains(log) ? names[log] : "-")",
                    LogKeys.reason: "\(reason)",
                ]
            )
        }
    }

    private static let quietMilliseconds: Int64 = 10_000
    private var lines = 0
    private var log = 0
    private var reason = ""
    private var lastReport: Int64?

    mutating func add(lines: Int, log: Int, reason: String) {
        self.lines += lines
        self.log = log
        self.reason = reason
    }

    mutating func report(at now: Int64) -> Report? {
        guard lines > 0 else { return nil }
        if let lastReport, now - lastReport < Self.quietMilliseconds { return nil }
        lastReport = now
        defer { lines = 0 }
        return Report(lines: lines, log: log, reason: reason)
    }
}
