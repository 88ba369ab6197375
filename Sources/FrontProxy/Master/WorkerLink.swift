// SPDX-License-Identifier: MIT

import LinuxSystem
import ProgramLog

/// What the master's thread for one worker does: gives orders, hears the report, and writes what the worker logs.
///
/// Whoever has taken over a worker has these channels. So nothing here waits for the worker, what is read is bounded, nothing of
/// it is believed, and no descriptor is taken from it: read(2) leaves none of those that come along (unix(7)).
final class WorkerLink {
    /// Bytes of log lines a second, and at once; a line costs a little more than it is long.
    private static let logBytesPerSecond = 512 * 1024
    private static let logBurst = 4 << 20
    private static let lineCost = 64
    /// What a pipe holds at most is read after the end of the process, whatever the pace is.
    private static let lastWords = 1 << 20
    /// A worker that takes no orders for so long is stopped, or is none of ours any more.
    private static let orderTime: UInt64 = 30_000_000_000

    private let process: ProcessHandle
    private let ends: WorkerLaunch.MasterEnds
    private let outbox: WorkerOutbox
    private let log: LogOutput
    private let event: (WorkerProcess.Event) -> Void
    private var sender = ControlSender()
    private var reports = WorkerReports()
    private var lines = WorkerLogLines()
    private var pace: BytePace
    private var isTalking = true
    private var isLogging = true
    /// Since when the worker has not taken what is to be sent.
    private var stuckSince: UInt64?

    init(
        _ process: ProcessHandle,
        _ ends: WorkerLaunch.MasterEnds,
        outbox: WorkerOutbox,
        log: LogOutput,
        event: @escaping (WorkerProcess.Event) -> Void
    ) {
        self.process = process
        self.ends = ends
        self.outbox = outbox
        self.log = log
        self.event = event
        pace = BytePace(perSecond: Self.logBytesPerSecond, burst: Self.logBurst, at: MonotonicClock.now)
    }

    /// Lives as long as the process; `bootstrap` is the first that the worker is told.
    func run(_ bootstrap: ControlFrame, descriptors: [SharedDescriptor]) throws(SystemError) {
        sender.append(bootstrap, descriptors: descriptors)
        flush()
        while true {
            let now = MonotonicClock.now
            let mayLog = isLogging && pace.allows(at: now)
            let ready = try Poll.wait(
                [
                    (outbox.wakeUp.rawValue, .readable),
                    (isTalking ? ends.control.rawValue : -1, sender.isEmpty ? .readable : [.readable, .writable]),
                    (mayLog ? ends.log.rawValue : -1, .readable),
                    (process.rawValue, .readable),
                ],
                timeout: timeout(at: now, waitsForPace: isLogging && !mayLog)
            )
            if !ready[0].isEmpty { for order in outbox.take() { sender.append(order) } }
            if isTalking, !sender.isEmpty { flush() }
            if !ready[1].intersection([.readable, .hangUp, .failed]).isEmpty { hear() }
            if !ready[2].isEmpty { readLog() }
            if !ready[3].isEmpty { return readLastWords() }
        }
    }

    private func timeout(at now: UInt64, waitsForPace: Bool) -> Duration? {
        var limits: [UInt64] = []
        if waitsForPace { limits.append(pace.pause) }
        if let stuckSince { limits.append(stuckSince + Self.orderTime > now ? stuckSince + Self.orderTime - now : 0) }
        return limits.min().map { .nanoseconds(Int64(clamping: $0)) }
    }

    // MARK: Control

    private func flush() {
        let now = MonotonicClock.now
        do throws(SystemError) {
            let hasMoved = try sender.flush(over: ends.control.rawValue)
            if sender.isEmpty { stuckSince = nil } else if hasMoved || stuckSince == nil { stuckSince = now }
        } catch {
            // Its end is closed; that of the process follows.
            stopTalking()
        }
        if let stuckSince, now - stuckSince >= Self.orderTime { broken("it does not take what it is told") }
    }

    private func hear() {
        var bytes = [UInt8](repeating: 0, count: reports.readLimit)
        let count: Int
        do throws(SystemError) {
            switch try bytes.withUnsafeMutableBytes({ Transfers.reading(ends.control.rawValue, into: $0) }).get() {
            case .bytes(let number): count = number
            case .wouldBlock: return
            case .endOfStream: return stopTalking()
            }
        } catch {
            return stopTalking()
        }
        switch reports.received(bytes.prefix(count)) {
        case .nothing: break
        case .report(.ready): event(.ready)
        case .report(.failed(let reason)): event(.failed(reason))
        case .broken(let reason): broken(reason)
        }
    }

    private func broken(_ reason: String) {
        stopTalking()
        event(.brokeRules(reason))
    }

    private func stopTalking() {
        isTalking = false
        stuckSince = nil
    }

    // MARK: Log

    private func readLog() {
        guard let bytes = takeLog() else { return }
        write(bytes)
    }

    private func readLastWords() {
        var left = Self.lastWords
        while left > 0, isLogging, let bytes = takeLog() {
            write(bytes)
            left -= bytes.count
        }
        if let rest = lines.takeRest() { log.writeRelayed(RelayedLine(parsing: rest), from: process.pid) }
    }

    private func write(_ bytes: [UInt8]) {
        let ended = lines.append(bytes)
        pace.took(bytes.count + ended.count * Self.lineCost)
        for line in ended { log.writeRelayed(RelayedLine(parsing: line), from: process.pid) }
    }

    /// What the pipe has; nil if there is nothing now.
    private func takeLog() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16 * 1024)
        let outcome = bytes.withUnsafeMutableBytes { Transfers.reading(ends.log.rawValue, into: $0) }
        switch outcome {
        case .success(.bytes(let count)): return Array(bytes.prefix(count))
        case .success(.wouldBlock): return nil
        case .success(.endOfStream), .failure:
            isLogging = false
            return nil
        }
    }
}

extension Transfers {
    /// For closures that cannot throw typed errors.
    fileprivate static func reading(
        _ descriptor: Int32,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Result<Transfer, SystemError> {
        Result { () throws(SystemError) in try read(descriptor, into: buffer) }
    }
}
