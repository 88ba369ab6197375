// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// The access logs of one event loop: lines are collected on the loop and written by another thread.
final class AccessLog {
    /// A batch leaves when it has this size, at the latest after `batchTime`.
    static let batchBytes = 32 * 1024
    static let batchTime = TimeAmount.seconds(1)

    private let eventLoop: any EventLoop
    private let writer: AccessLogWriter
    private var batches: [[UInt8]]
    private var timer: Scheduled<Void>?
    /// The second that `time` is the text of, in seconds since 1970.
    private var second: Int64 = -1
    private var time: [UInt8] = []

    /// `writer` has one file per index that requests name.
    init(eventLoop: any EventLoop, writer: AccessLogWriter) {
        self.eventLoop = eventLoop
        self.writer = writer
        batches = Array(repeating: [], count: writer.logCount)
    }

    /// Notes one answered request in the log with this index (`RouteModel.accessLog`).
    func record(_ entry: AccessLogEntry, in log: Int) {
        guard batches.indices.contains(log) else { return }
        let microseconds = WallClock.microseconds
        if microseconds / 1_000_000 != second {
            second = microseconds / 1_000_000
            time = AccessLogLine.time(LocalTime(microseconds: microseconds))
        }
        AccessLogLine.append(entry, time: time, to: &batches[log])
        if batches[log].count >= Self.batchBytes {
            hand(log)
        } else if timer == nil {
            timer = eventLoop.assumeIsolated().scheduleTask(in: Self.batchTime) { self.flush() }
        }
    }

    /// Hands everything over to the writer.
    func flush() {
        timer?.cancel()
        timer = nil
        for log in batches.indices where !batches[log].isEmpty { hand(log) }
    }

    private func hand(_ log: Int) {
        let batch = batches[log]
        batches[log] = []
        batches[log].reserveCapacity(batch.count + 512)
        writer.submit(batch, to: log)
    }
}
