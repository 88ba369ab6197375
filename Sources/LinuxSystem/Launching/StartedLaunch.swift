// SPDX-License-Identifier: MIT

import Glibc

/// A process that carries out its plan, and is to become its program.
///
/// `report` brings the records of `LaunchRecords`; it does not block, and ends when the program is executed. The helper can
/// be stopped by the user that it became, and may wait for ever for file systems and login shells: whoever reads keeps the
/// time, ends the process, and collects it.
package struct StartedLaunch: Sendable {
    package let handle: ProcessHandle
    package let report: SharedDescriptor
    let helperPath: String

    package var pid: Int32 { handle.pid }

    /// Time that a killed helper gets to end before it is left to the reaper (it may hang in a file system).
    private static let killGrace = Duration.seconds(5)

    /// Waits until the program runs, for callers whose programs run no login shell.
    func finish(within timeLimit: Duration) throws(LaunchFailure) -> LaunchedProcess {
        let outcome: Outcome
        do {
            outcome = try follow(within: timeLimit)
        } catch {
            endHelper()
            throw error
        }
        switch outcome {
        case .executed: return LaunchedProcess(pid: handle.pid, handle: handle)
        case .outOfTime:
            endHelper()
            throw LaunchFailure(step: .timeout, code: ETIMEDOUT, subject: "after \(timeLimit)")
        case .ended:
            let status = endHelper()?.description ?? "unknown"
            throw LaunchFailure(step: .helper, code: 0, subject: "\(helperPath) ended: \(status)")
        }
    }

    private enum Outcome {
        case executed
        case outOfTime
        case ended
    }

    private func follow(within timeLimit: Duration) throws(LaunchFailure) -> Outcome {
        let deadline = MonotonicClock.now + UInt64(max(.zero, timeLimit).wholeNanoseconds)
        var records = LaunchRecords()
        var isExecuting = false
        while true {
            let left = Int64(clamping: deadline) - Int64(clamping: MonotonicClock.now)
            guard let bytes = try read(within: .nanoseconds(max(0, left))) else { return .outOfTime }
            if bytes.isEmpty { return isExecuting ? .executed : .ended }
            for record in try records.received(bytes) {
                switch record {
                case .step(LaunchRecord.executeStep, _): isExecuting = true
                case .failed(let failure): throw failure
                case .step, .limit, .variable: break
                }
            }
        }
    }

    /// Empty at the end of the report; nil when the time is over.
    private func read(within timeLimit: Duration) throws(LaunchFailure) -> [UInt8]? {
        do throws(SystemError) {
            if try Poll.wait(report.rawValue, for: .readable, timeout: timeLimit).isEmpty { return nil }
            return try report.descriptor.readSome(limit: 16_384)
        } catch {
            throw LaunchFailure(step: .helper, code: error.code, subject: helperPath)
        }
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
