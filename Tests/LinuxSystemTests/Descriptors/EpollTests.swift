// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct EpollTests {
    @Test func `a readable descriptor is reported with its token`() throws {
        let epoll = try Epoll()
        var buffer = Epoll.EventBuffer(capacity: 4)
        let pair = try SocketPair.make()
        try epoll.add(pair.secondEnd, for: .readable, token: 0xFEED_0000_0000_0001)
        #expect(try epoll.wait(&buffer, timeout: .zero) == 0)
        try Descriptor.duplicating(pair.firstEnd).writeAll("x")
        #expect(try epoll.wait(&buffer) == 1)
        #expect(buffer[0] == Epoll.Event(token: 0xFEED_0000_0000_0001, events: .readable))
    }

    @Test func `interest can be changed and removed`() throws {
        let epoll = try Epoll()
        var buffer = Epoll.EventBuffer(capacity: 4)
        let pair = try SocketPair.make()
        try epoll.add(pair.firstEnd, for: [], token: 1)
        #expect(try epoll.wait(&buffer, timeout: .zero) == 0)
        try epoll.modify(pair.firstEnd, for: [.writable, .edgeTriggered], token: 2)
        #expect(try epoll.wait(&buffer) == 1)
        #expect(buffer[0].token == 2)
        #expect(try epoll.wait(&buffer, timeout: .zero) == 0)
        try epoll.remove(pair.firstEnd)
        #expect(throws: SystemError.self) { try epoll.remove(pair.firstEnd) }
    }

    @Test func `the peer's end is reported`() throws {
        let epoll = try Epoll()
        var buffer = Epoll.EventBuffer(capacity: 4)
        var pair = try SocketPair.make()
        try epoll.add(pair.firstEnd, for: [.readable, .peerShutdown], token: 7)
        try close(pair.takeSecond())
        #expect(try epoll.wait(&buffer) == 1)
        #expect(buffer[0].events.isSuperset(of: [.readable, .peerShutdown, .hangUp]))
    }

    @Test func `another thread wakes a waiting one`() throws {
        let epoll = try Epoll()
        let wakeUp = SharedWakeUp(try WakeUp())
        try epoll.add(wakeUp.wakeUp.rawValue, for: .readable, token: 1)
        let thread = try OSThread.start(name: "waker") { wakeUp.wakeUp.wake() }
        var buffer = Epoll.EventBuffer(capacity: 1)
        #expect(try epoll.wait(&buffer) == 1)
        wakeUp.wakeUp.clear()
        thread.join()
        #expect(try epoll.wait(&buffer, timeout: .zero) == 0)
    }

    private final class SharedWakeUp: Sendable {
        let wakeUp: WakeUp
        init(_ wakeUp: consuming WakeUp) { self.wakeUp = wakeUp }
    }
}
