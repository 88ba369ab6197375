// SPDX-License-Identifier: MIT

/// A moment of a file, exactly as the kernel has it (`struct timespec`, utimensat(2)).
///
/// Whoever owns a file sets its times, to any year: the two numbers are compared and written, and never made one, which
/// nanoseconds of the years after 2262 would overflow.
package struct FileTime: Hashable, Comparable, Sendable {
    /// Since 1970; negative before.
    package let seconds: Int64
    /// Of the second; 0 to 999,999,999 on file systems that keep to the rules.
    package let nanoseconds: Int64

    package init(seconds: Int64, nanoseconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static func < (left: FileTime, right: FileTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Before all others.
    package static let distantPast = FileTime(seconds: .min, nanoseconds: 0)
}
