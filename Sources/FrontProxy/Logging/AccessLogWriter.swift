// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import NIOPosix
import Synchronization

/// Writes batches of access log lines on a thread of its own, so that a slow disk never holds an event loop.
///
/// What cannot be written (disk full) or does not fit into the backlog is lost, counted and reported. A line that was cut
/// off is ended before the next one, so that no line begins inside another.
final class AccessLogWriter: Sendable {
    /// Bytes that may wait for the disk.
    private static let maxBacklog = 8 << 20

    private struct State {
        var waiting = 0
        var loss = AccessLogLoss()
        /// Logs whose last line was cut off.
        var torn: Set<Int> = []
    }

    private let files: [LogFile]
    private let names: [String]
    private let state = Mutex(State())
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let logger: Logger

    /// One file per log, in the order of the configuration; `names` are their paths, for messages.
    init(files: [LogFile], names: [String], logger: Logger) {
        self.files = files
        self.names = names
        self.logger = logger
        thread.start()
    }

    var logCount: Int { files.count }

    /// From any event loop.
    func submit(_ lines: [UInt8], to log: Int) {
        let accepted = state.withLock { state in
            guard state.waiting + lines.count <= Self.maxBacklog else {
                state.loss.add(lines: Self.lineCount(lines), log: log, reason: "the disk is too slow")
                return false
            }
            state.waiting += lines.count
            return true
        }
        guard accepted else { return }
        thread.submit { _ in self.write(lines, to: log) }
    }

    /// Runs `body` on the writer's thread once everything that was submitted is written.
    func whenWritten(_ body: @escaping @Sendable () -> Void) {
        thread.submit { _ in body() }
    }

    /// Goes on with files that somebody else has opened anew, in the order of the configuration.
    func replaceFiles(with descriptors: inout DescriptorList) {
        for file in files {
            guard let descriptor = descriptors.takeFirst() else { return }
            file.replace(with: descriptor)
        }
    }

    private func write(_ lines: [UInt8], to log: Int) {
        let isTorn = state.withLock { $0.torn.contains(log) }
        let bytes = isTorn ? [UInt8(ascii: "\n")] + lines : lines
        let failure = append(bytes, to: files[log])
        let now = Int64(clamping: MonotonicClock.now / 1_000_000)
        let report = state.withLock { state -> AccessLogLoss.Report? in
            state.waiting -= lines.count
            if let failure {
                let rest = bytes[failure.offset...]
                let lost = Self.lineCount(rest) - (isTorn && failure.offset == 0 ? 1 : 0)
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
        guard let report else { return }
        logger.error(
            "lines of the access log were lost",
            metadata: [
                LogKeys.count: "\(report.lines)",
                LogKeys.file: "\(names.indices.contains(report.log) ? names[report.log] : "-")",
                LogKeys.reason: "\(report.reason)",
            ]
        )
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

    private static func lineCount(_ lines: some Sequence<UInt8>) -> Int {
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
