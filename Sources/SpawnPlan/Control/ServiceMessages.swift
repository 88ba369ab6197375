// SPDX-License-Identifier: MIT

/// What a process says on its control channel after it was ready: lines `WORD VALUE`, as before.
///
/// Two words mean something: `exception` (``AppException``), and that the out-of-band work is done that it was told to do. A
/// process that says more than a few lines a second is not heard for the rest, but answers are heard however many it is asked
/// for; a line that is too long is not heard at all. All of it comes from the app's user: bounded, and never more than text.
package struct ServiceMessages: Sendable {
    /// The line that tells a process to do its out-of-band work; it has no request meanwhile.
    package static let beginOutOfBandWork = "oobw"
    /// The word that it answers when it is done.
    package static let outOfBandWorkDone = "oobw-done"

    package static let maxLineBytes = 8 * 1024
    /// Lines that may come at once, and how many a second in the long run.
    package static let burst = 20
    package static let perSecond = 1

    package struct Message: Hashable, Sendable {
        package let word: String
        package let value: String
    }

    private var lines = LineSplitter(limit: maxLineBytes)
    private var isInsideLongLine = false
    private var available = burst
    private var last = Duration.zero

    package init() {}

    /// The process was asked for something: its answer costs nothing of what it may say unasked.
    package mutating func awaitAnswer() { available += 1 }

    package mutating func received(_ bytes: some Collection<UInt8>, at now: Duration) -> [Message] {
        lines.append(bytes)
        var messages: [Message] = []
        while let line = lines.next() {
            let isTail = isInsideLongLine
            isInsideLongLine = false
            if !isTail, line.count <= Self.maxLineBytes, mayTake(at: now) { messages.append(Self.message(line)) }
        }
        if lines.isOverlong {
            _ = lines.takeRest()
            isInsideLongLine = true
        }
        return messages
    }

    private mutating func mayTake(at now: Duration) -> Bool {
        let seconds = (now - last).components.seconds
        if seconds > 0 {
            available = Int(min(Int64(Self.burst), Int64(available) + min(seconds, 3600) * Int64(Self.perSecond)))
            last = now
        }
        guard available > 0 else { return false }
        available -= 1
        return true
    }

    private static func message(_ line: [UInt8]) -> Message {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
        let texts = parts.map { String(decoding: $0, as: UTF8.self) }
        return Message(word: texts[0], value: texts.count == 2 ? ControlText.unescape(texts[1]) : "")
    }
}
