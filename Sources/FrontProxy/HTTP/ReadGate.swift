// SPDX-License-Identifier: MIT

/// Holds back a channel's reads without touching its options: while it is paused, the read that NIO asks for is
/// remembered, and what the kernel has stays there.
struct ReadGate {
    private(set) var isPaused = false
    private var hasHeldRead = false

    /// NIO wants to read: true if it may now.
    mutating func mayRead() -> Bool {
        if self.isPaused { self.hasHeldRead = true }
        return !self.isPaused
    }

    mutating func pause() { self.isPaused = true }

    /// True if a read was held back and is due now.
    mutating func resume() -> Bool {
        guard self.isPaused else { return false }
        self.isPaused = false
        defer { self.hasHeldRead = false }
        return self.hasHeldRead
    }
}
