// SPDX-License-Identifier: MIT

/// How long to wait before the next attempt to connect.
///
/// 10, 20, 40, 80, 160, 320, 640, 1000, 1000 … ms; from the beginning again once a connection was answered.
struct ReconnectBackoff: Equatable {
    private static let firstMilliseconds: Int64 = 10
    private static let maxMilliseconds: Int64 = 1_000
    private var next = firstMilliseconds

    /// The wait after one more failure.
    mutating func failed() -> Int64 {
        defer { next = min(next * 2, Self.maxMilliseconds) }
        return next
    }

    mutating func succeeded() { next = Self.firstMilliseconds }
}
