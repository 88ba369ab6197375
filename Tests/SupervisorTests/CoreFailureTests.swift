// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import Testing
import WireProtocol

@testable import Supervisor

/// A thread whose epoll instance is gone must not end alone.
struct CoreFailureTests {
    /// A descriptor that epoll refuses to wait for: it is no epoll instance any more.
    private static func brokenEpoll() throws -> SharedEpoll {
        let epoll = try Epoll()
        // Something else gets the number, so that closing it twice harms nobody.
        try Descriptor.null().replace(epoll.rawValue)
        return SharedEpoll(epoll)
    }

    @Test func `a relay that cannot wait says so`() throws {
        let relay = try StreamRelay(
            directory: StreamDirectory(),
            logger: Logger(label: "test"),
            streamsLeft: { _, _ in },
            connectFailed: { _, _ in },
            lookedUp: { _, _, _ in }
        )
        var events: [String] = []
        RelayLoop(relay, try Self.brokenEpoll()).run { event, error in events.append("\(event): \(error.name)") }
        #expect(events == ["waiting for streams failed: EINVAL"])
    }

    @Test func `a doorkeeper that cannot wait says so`() throws {
        let pair = try SocketPair.make()
        let door = try Doorkeeper(
            listener: try Descriptor.duplicating(pair.firstEnd),
            name: "door",
            roles: [.admin],
            counts: ConnectionCounts(),
            logger: Logger(label: "test"),
            admits: { _ in true },
            deliver: { _ in }
        )
        var events: [String] = []
        DoorkeeperLoop(door, try Self.brokenEpoll()).run { event, error in events.append("\(event): \(error.name)") }
        #expect(events == ["waiting for connections failed: EINVAL"])
    }

    @Test func `the last line of a core names what failed`() {
        let error = SystemError(call: "epoll_wait", code: 9)
        let line = CoreFailure.line("waiting for streams failed", error, time: "TIME")
        let expected = "FATAL -- : waiting for streams failed; this core ends, and the watchdog starts another one"
        #expect(line.contains(expected), "\(line)")
        #expect(line.hasSuffix("error=\"epoll_wait: Bad file descriptor (EBADF)\""), "\(line)")
    }
}
