// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// The process that started this one in the background, and waits to hear whether it worked; told at most once.
final class ReadySignal: Sendable {
    private let daemonize: Mutex<Daemonize?>

    init(_ daemonize: consuming Daemonize?) {
        self.daemonize = Mutex(daemonize)
    }

    func succeeded() { daemonize.withLock { $0.take() }?.ready() }

    func failed(_ text: String) { daemonize.withLock { $0.take() }?.failed(text) }
}
