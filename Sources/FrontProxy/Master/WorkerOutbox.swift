// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// Orders on their way to the thread that talks to a worker: whoever gives one never waits for the worker.
final class WorkerOutbox: Sendable {
    let wakeUp: WakeUp
    private let orders = Mutex<[ControlFrame]>([])

    init() throws(SystemError) {
        wakeUp = try WakeUp()
    }

    /// From any thread.
    func add(_ frame: ControlFrame) {
        orders.withLock { $0.append(frame) }
        wakeUp.wake()
    }

    func take() -> [ControlFrame] {
        wakeUp.clear()
        return orders.withLock { orders in
            defer { orders.removeAll() }
            return orders
        }
    }
}
