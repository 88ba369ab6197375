// SPDX-License-Identifier: MIT

/// How many interim answers (1xx) an app may send before its final one.
///
/// They are not spooled like a body, so few are passed on; an app that sends them without end never answers.
package struct InterimAllowance {
    package enum Action: Equatable {
        case pass
        /// The client does not get it; all of them are optional.
        case drop
        /// The answer is malformed.
        case refuse
    }

    package static let maxPassed = 16
    package static let maxPassedBytes = 64 * 1024
    package static let maxRead = 1024
    package static let maxReadBytes = 1024 * 1024

    private var count = 0
    private var bytes = 0

    package init() {}

    /// An interim answer whose head has `byteCount` bytes is here.
    package mutating func arrived(byteCount: Int) -> Action {
        self.count += 1
        self.bytes += byteCount
        if self.count > Self.maxRead || self.bytes > Self.maxReadBytes { return .refuse }
        return self.count > Self.maxPassed || self.bytes > Self.maxPassedBytes ? .drop : .pass
    }
}
