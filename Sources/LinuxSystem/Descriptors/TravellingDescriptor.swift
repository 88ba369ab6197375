// SPDX-License-Identifier: MIT

import Synchronization

/// A descriptor that passes from one thread to another; closed if nobody takes it out.
package final class TravellingDescriptor: Sendable {
    private let number: Mutex<Int32?>

    package init(_ descriptor: consuming Descriptor) {
        self.number = Mutex(descriptor.release())
    }

    /// The descriptor, once.
    package func take() -> Descriptor? {
        let number = self.number.withLock { number in
            defer { number = nil }
            return number
        }
        return number.map { Descriptor(owning: $0) }
    }

    deinit { _ = self.take() }
}
