// SPDX-License-Identifier: MIT

/// What the main thread of a process has had of the processors (`/proc/PID/schedstat`).
package struct ProcessorTime: Hashable, Sendable {
    package let used: Duration
    /// In the queue for one.
    package let waited: Duration

    /// Nil: there is no such process, or the kernel does not count.
    package init?(pid: Int32) {
        guard let bytes = try? Files.read("/proc/\(pid)/schedstat", limit: 256) else { return nil }
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    init?(_ text: String) {
        let numbers = text.split(whereSeparator: \.isWhitespace).prefix(2).compactMap { Int64($0) }
        // Both are 0 where nothing is counted.
        guard numbers.count == 2, numbers[0] > 0 || numbers[1] > 0 else { return nil }
        self.used = .nanoseconds(numbers[0])
        self.waited = .nanoseconds(numbers[1])
    }
}
