// SPDX-License-Identifier: MIT

import FrontConfiguration
import LinuxSystem
import NIOCore

/// The access logs of one event loop: lines are collected on the loop and written by another thread.
final class AccessLog {
    /// A batch leaves when it has this size, at the latest after `batchTime`, unless the configuration says otherwise.
    static let batchBytes = 32 * 1024
    static let batchTime = TimeAmount.seconds(1)

    private let eventLoop: any EventLoop
    private let writer: AccessLogWriter
    private var batches: [Batch]
    /// The second that `time` is the text of, in seconds since 1970.
    private var second: Int64 = -1
    private var time: [UInt8] = []

    /// The lines of one log that wait.
    private struct Batch {
        let maxBytes: Int
        let maxTime: TimeAmount
        var lines: [UInt8] = []
        var timer: Scheduled<Void>?
    }

    /// `writer` has one file per index that requests name; `logs` say how lines are collected for them.
    init(eventLoop: any EventLoop, writer: AccessLogWriter, logs: [AccessLogModel] = []) {
        self.eventLoop = eventLoop
        self.writer = writer
        batches = (0..<writer.logCount)
            .map { index in
                let log = logs.indices.contains(index) ? logs[index] : nil
                return Batch(
                    maxBytes: log?.bufferBytes ?? Self.batchBytes,
                    maxTime: log?.flushTime.map { .milliseconds($0.wholeMilliseconds) } ?? Self.batchTime
                )
            }
    }

    /// Notes one answered request in the log with this index (`RouteModel.accessLog`).
    func record(_ entry: AccessLogEntry, in log: Int) {
        guard batches.indices.contains(log) else { return }
        let microseconds = WallClock.microseconds
        if microseconds / 1_000_000 != second {
            second = microseconds / 1_000_000
            time = AccessLogLine.time(LocalTime(microseconds: microseconds))
        }
        AccessLogLine.append(entry, time: time, to: &batches[log].lines)
        if batches[log].lines.count >= batches[log].maxBytes {
            hand(log)
        } else if batches[log].timer == nil {
            batches[log].timer = eventLoop.assumeIsolated()
                .scheduleTask(in: batches[log].maxTime) { self.hand(log) }
        }
    }

    /// Hands everything over to the writer.
    func flush() {
        for log in batches.indices { hand(log) }
    }

    private func hand(_ log: Int) {
        batches[log].timer?.cancel()
        batches[log].timer = nil
        let lines = batches[log].lines
        guard !lines.isEmpty else { return }
        batches[log].lines = []
        batches[log].lines.reserveCapacity(lines.count + 512)
        writer.submit(lines, to: log)
    }
}
