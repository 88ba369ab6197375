// SPDX-License-Identifier: MIT

/// What the thread of a process that wanted most has had of the processors (`/proc/PID/task/TID/schedstat`).
///
/// The main thread of a virtual machine waits for another one, which does the work.
package struct ProcessorTime: Hashable, Sendable {
    package let used: Duration
    /// In the queue for one.
    package let waited: Duration

    /// A program may have any number, and they are looked at one by one.
    private static let maxThreads = 256

    /// Nil: there is no such process, or the kernel does not count.
    package init?(pid: Int32) {
        let tasks = "/proc/\(pid)/task"
        let threads = (try? Files.list(tasks, limit: Self.maxThreads)) ?? []
        // One that has ended meanwhile has none.
        let texts = threads.compactMap { try? Files.read("\(tasks)/\($0)/schedstat", limit: 256) }
        self.init(threads: texts.map { String(decoding: $0, as: UTF8.self) })
    }

    init?(threads texts: [String]) {
        let times = texts.compactMap { Self($0) }
        guard let busiest = times.max(by: { $0.used + $0.waited < $1.used + $1.waited }) else { return nil }
        self = busiest
    }

    init?(_ text: String) {
        let numbers = text.split(whereSeparator: \.isWhitespace).prefix(2).compactMap { Int64($0) }
        // Both are 0 where nothing is counted.
        guard numbers.count == 2, numbers[0] > 0 || numbers[1] > 0 else { return nil }
        self.used = .nanoseconds(numbers[0])
        self.waited = .nanoseconds(numbers[1])
    }
}
