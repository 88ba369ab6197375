// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@testable import Supervisor

/// A thread that cannot wait any more must not end alone.
struct CoreFailureTests {
    @Test(arguments: [
        (CoreFailure.Thread.relay, "waiting for streams failed"),
        (.doorkeeper, "waiting for connections failed"),
        (.watcher, "waiting for application processes failed"),
    ])
    func `the last line of a core names what failed`(thread: CoreFailure.Thread, event: String) {
        let error = SystemError(call: "epoll_wait", code: 9)
        let line = CoreFailure.line(thread.event, error, time: "TIME")
        let expected = "FATAL -- : \(event); this core ends, and the watchdog starts another one"
        #expect(line.contains(expected), "\(line)")
        #expect(line.hasSuffix("error=\"epoll_wait: Bad file descriptor (EBADF)\""), "\(line)")
    }
}
