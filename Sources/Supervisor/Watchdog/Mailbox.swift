// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// Messages from other threads to one that waits in poll.
final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])
    private let wakeUp: WakeUp

    /// For poll: readable when there are messages.
    var descriptor: Int32 { self.wakeUp.rawValue }

    init() throws(SystemError) {
        self.wakeUp = try WakeUp()
    }

    func post(_ message: Message) {
        self.messages.withLock { $0.append(message) }
        self.wakeUp.wake()
    }

    func takeAll() -> [Message] {
        self.wakeUp.clear()
        return self.messages.withLock { messages in
            defer { messages.removeAll() }
            return messages
        }
    }
}
