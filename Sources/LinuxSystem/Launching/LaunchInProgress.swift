// SPDX-License-Identifier: MIT

import Glibc

/// A helper at work, and the pipe on which it says what went wrong.
///
/// The pipe closes when the program is executed. The helper writes one "+" right before that: without it an end of file
/// means that the helper died.
struct LaunchInProgress: ~Copyable {
    let handle: ProcessHandle
    let report: Descriptor
    let helperPath: String

    /// Time that a killed helper gets to end before it is left to the reaper (it may hang in a file system).
    private static let killGrace = Duration.seconds(5)

    /// Longest report: step, number, and a path.
    private static let maxReportBytes = 8_192

    func finish(within timeLimit: Duration) throws(LaunchFailure) -> LaunchedProcess {
        let bytes: [UInt8]?
        do {
            bytes = try readReport(within: timeLimit)
        } catch {
            endHelper()
            throw LaunchFailure(step: .helper, code: error.code, subject: helperPath)
        }
        guard let bytes else {
            endHelper()
            throw LaunchFailure(step: .timeout, code: ETIMEDOUT, subject: "after \(timeLimit)")
        }
        if bytes == [UInt8(ascii: "+")] { return LaunchedProcess(pid: handle.pid, handle: handle) }
        let status = endHelper()
        throw LaunchFailure(report: bytes)
            ?? LaunchFailure(
                step: .helper,
                code: 0,
                subject: "\(helperPath) ended: \(status?.description ?? "unknown")"
            )
    }

    /// Everything up to the end of file; `nil` when the time is over first.
    private func readReport(within timeLimit: Duration) throws(SystemError) -> [UInt8]? {
        let deadline = MonotonicClock.now + UInt64(max(.zero, timeLimit).wholeNanoseconds)
        var bytes: [UInt8] = []
        while bytes.count <= Self.maxReportBytes {
            let left = Int64(clamping: deadline) - Int64(clamping: MonotonicClock.now)
            let ready = try Poll.wait(report.rawValue, for: .readable, timeout: .nanoseconds(max(0, left)))
            if ready.isEmpty { return nil }
            let chunk = try report.readSome(limit: Self.maxReportBytes)
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        return bytes
    }

    /// Ends the helper if it has not ended yet, and collects it.
    @discardableResult
    private func endHelper() -> ExitStatus? {
        // It has ended, or it can be killed; neither call fails for our own child.
        if (try? handle.hasEnded(within: .milliseconds(200))) != true { _ = try? handle.signal(.kill) }
        guard (try? handle.hasEnded(within: Self.killGrace)) == true else { return nil }
        return try? handle.collect()
    }
}

extension LaunchFailure {
    /// Reads what the helper wrote: step, error number and subject, each ended by a zero byte.
    init?(report: [UInt8]) {
        let fields = ProcInfo.nulSeparated(report.first == UInt8(ascii: "+") ? Array(report.dropFirst()) : report)
        guard fields.count == 3, let step = LaunchStep(rawValue: fields[0]), let code = Int32(fields[1]) else {
            return nil
        }
        self.init(step: step, code: code, subject: fields[2])
    }
}
