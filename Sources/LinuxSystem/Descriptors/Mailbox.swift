// SPDX-License-Identifier: MIT

import Synchronization

/// Messages from other threads to one that waits in epoll or poll.
package final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])
    private let wakeUp: WakeUp

    /// Readable when there are messages.
    package var descriptor: Int32 { wakeUp.rawValue }

    package init() throws(SystemError) { wakeUp = try WakeUp() }

    /// From any thread.
    package func post(_ message: Message) {
        let isFirst = messages.withLock { messages in
            messages.append(message)
            return messages.count == 1
        }
        // Otherwise whoever takes the first one takes this one too.
        if isFirst { wakeUp.wake() }
    }

    /// All messages that were posted since the last time, in their order.
    package func takeAll() -> [Message] {
        wakeUp.clear()
        return messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}
