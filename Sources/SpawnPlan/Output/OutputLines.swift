// SPDX-License-Identifier: MIT

/// Turns what an app prints into lines for the log, whatever it prints and however much.
///
/// Lines are cut at 8 KB. An app that prints faster than `OutputBudget` allows loses lines, and a note says how many.
package struct OutputLines: Sendable {
    package static let maxLineBytes = 8 * 1024

    package enum Item: Hashable, Sendable {
        case line([UInt8])
        /// So many lines were dropped since the last note.
        case dropped(Int)
    }

    package private(set) var tail: OutputTail
    private var partial: [UInt8] = []
    private var isDroppingLine = false
    private var droppedLines = 0
    private var budget: OutputBudget

    package init(tailLimit: Int = 32 * 1024, budget: OutputBudget = OutputBudget()) {
        tail = OutputTail(limit: tailLimit)
        self.budget = budget
    }

    package mutating func received(
        _ bytes: UnsafeRawBufferPointer,
        at now: Duration,
        emit: (Item) -> Void
    ) {
        tail.append(bytes)
        var start = 0
        while let end = Self.lineFeed(in: bytes, from: start) {
            add(bytes, start..<end, at: now, emit: emit)
            lineEnded(emit: emit)
            start = end + 1
        }
        if start < bytes.count { add(bytes, start..<bytes.count, at: now, emit: emit) }
    }

    /// Eight bytes at a time, since most of a flood is only looked through.
    static func lineFeed(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        while index + 8 <= bytes.count {
            // A byte that equals the line feed becomes zero, and the lowest zero byte is found by the borrow.
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let zeroed = word ^ 0x0A0A_0A0A_0A0A_0A0A
            let found = (zeroed &- 0x0101_0101_0101_0101) & ~zeroed & 0x8080_8080_8080_8080
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }

    /// Gives out what has no line end, and the last note.
    package mutating func finish(emit: (Item) -> Void) {
        if !partial.isEmpty || isDroppingLine { lineEnded(emit: emit) }
        note(emit: emit)
    }

    /// Takes a part of a line.
    private mutating func add(
        _ bytes: UnsafeRawBufferPointer,
        _ range: Range<Int>,
        at now: Duration,
        emit: (Item) -> Void
    ) {
        guard !isDroppingLine else { return }
        // An empty line costs something as well.
        guard budget.take(range.count + 1, at: now) else {
            partial.removeAll(keepingCapacity: true)
            isDroppingLine = true
            return
        }
        var start = range.lowerBound
        while partial.count + range.upperBound - start > Self.maxLineBytes {
            let end = Self.characterStart(in: bytes, at: start + Self.maxLineBytes - partial.count, from: start)
            partial += UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            start = end
            lineEnded(emit: emit)
        }
        partial += UnsafeRawBufferPointer(rebasing: bytes[start..<range.upperBound])
    }

    /// Where a line may be cut without cutting a character: at `index`, or up to three bytes before it.
    private static func characterStart(in bytes: UnsafeRawBufferPointer, at index: Int, from start: Int) -> Int {
        for candidate in stride(from: index, through: max(start, index - 3), by: -1)
        where bytes[candidate] & 0xC0 != 0x80 {
            return candidate
        }
        return index
    }

    private mutating func lineEnded(emit: (Item) -> Void) {
        if isDroppingLine {
            isDroppingLine = false
            droppedLines += 1
            return
        }
        note(emit: emit)
        emit(.line(partial))
        partial.removeAll(keepingCapacity: true)
    }

    private mutating func note(emit: (Item) -> Void) {
        guard droppedLines > 0 else { return }
        emit(.dropped(droppedLines))
        droppedLines = 0
    }
}

/// How much of an app's output reaches the log: bursts in full, a flood at a steady rate.
package struct OutputBudget: Sendable {
    /// Bytes that may come at once.
    package static let burst = 4 * 1024 * 1024
    package static let bytesPerSecond = 2 * 1024 * 1024

    private let burst: Int
    private let bytesPerSecond: Int
    private var available: Int
    private var last = Duration.zero

    package init(burst: Int = burst, bytesPerSecond: Int = bytesPerSecond) {
        self.burst = burst
        self.bytesPerSecond = bytesPerSecond
        available = burst
    }

    package mutating func take(_ bytes: Int, at now: Duration) -> Bool {
        if now > last, available < burst {
            let (seconds, attoseconds) = (now - last).components
            let milliseconds = min(seconds, 3600) * 1000 + attoseconds / 1_000_000_000_000_000
            // Less than a millisecond counts for nothing, so the clock is only moved on when it counts.
            if milliseconds > 0 {
                available = min(burst, available + Int(milliseconds) * bytesPerSecond / 1000)
                last = now
            }
        } else if available == burst {
            last = now
        }
        guard available >= bytes else { return false }
        available -= bytes
        return true
    }
}
