// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization
import Testing

struct EpollLoopTests {
    @Test func `a handler hears of its descriptor until it is removed`() throws {
        let loop = try EpollLoop()
        let pair = try SocketPair.make()
        var heard: [Epoll.Events] = []
        let source = try loop.add(pair.secondEnd) { events in
            heard.append(events)
            if heard.count == 2 { loop.stop() }
        }
        try Descriptor.duplicating(pair.firstEnd).writeAll("x")
        try loop.run()
        #expect(heard == [.readable, .readable])
        loop.remove(source)
        loop.remove(source)
        #expect(throws: SystemError.self) { try loop.modify(source, for: .writable) }
    }

    @Test func `an event that is on its way when its source is removed reaches nobody, least of all a successor`()
        throws
    {
        let loop = try EpollLoop()
        let first = try SocketPair.make()
        let second = try SocketPair.make()
        var sources: [EpollLoop.Source] = []
        var calls: [String] = []
        let successor: EpollLoop.Handler = { events in
            calls.append("successor, \(events == .writable)")
            loop.stop()
        }
        let number = first.secondEnd
        let handler: EpollLoop.Handler = { _ in
            calls.append("one of two")
            for source in sources { loop.remove(source) }
            // It gets the slot of one of those that were removed.
            #expect(throws: Never.self) { try loop.add(number, for: .writable, successor) }
        }
        sources.append(try loop.add(first.secondEnd, handler))
        sources.append(try loop.add(second.secondEnd, handler))
        for number in [first.firstEnd, second.firstEnd] { try Descriptor.duplicating(number).writeAll("x") }
        try loop.run()
        #expect(calls == ["one of two", "successor, true"])
    }

    @Test func `a source without events is told of a hang-up once, and of everything once it asks again`() throws {
        let loop = try EpollLoop()
        var pipe = try Pipe.make()
        var heard: [Epoll.Events] = []
        let source = try loop.add(pipe.readEnd) { events in
            heard.append(events)
            if events.contains(.readable) { loop.stop() }
        }
        try loop.modify(source, for: .edgeTriggered)
        try Descriptor.duplicating(pipe.writeEnd).writeAll("x")
        try close(pipe.takeWriteEnd())
        loop.schedule(at: MonotonicClock.now + 20_000_000) {
            #expect(heard == [.hangUp])
            #expect(throws: Never.self) { try loop.modify(source, for: .readable) }
        }
        try loop.run()
        #expect(heard == [.hangUp, [.readable, .hangUp]])
    }

    @Test func `messages come after the events of their turn`() throws {
        let loop = try EpollLoop()
        let mailbox = try Mailbox<Int>()
        let pair = try SocketPair.make()
        var heard: [String] = []
        try loop.add(mailbox) { number in
            heard.append("message \(number)")
            loop.stop()
        }
        _ = try loop.add(pair.secondEnd, for: .writable) { _ in heard.append("event") }
        mailbox.post(1)
        mailbox.post(2)
        try loop.run()
        #expect(heard == ["event", "message 1", "message 2"])
    }

    @Test func `timers come when they are due, cancelled ones never`() throws {
        let loop = try EpollLoop()
        let began = MonotonicClock.now
        var heard: [String] = []
        loop.schedule(at: began + 4_000_000) {
            heard.append("second")
            loop.stop()
        }
        loop.schedule(at: 0) { heard.append("first") }
        loop.cancel(loop.schedule(at: 1) { heard.append("never") })
        loop.schedule(at: .max) { heard.append("not yet") }
        try loop.run()
        #expect(heard == ["first", "second"])
        #expect(MonotonicClock.now >= began + 4_000_000)
    }

    @Test func `a turn that left something to do is followed by another at once`() throws {
        let loop = try EpollLoop()
        var turns = 0
        loop.schedule(at: 0) {}
        loop.turnEnded = {
            turns += 1
            if turns == 3 { loop.stop() }
            return true
        }
        try loop.run()
        #expect(turns == 3)
    }

    @Test func `a thread is told through its mailbox, and stopped that way`() throws {
        let mailbox = try Mailbox<Int?>()
        let heard = Mutex<[Int]>([])
        let thread = try EpollThread.start(name: "test", failed: { _ in }) { loop throws(SystemError) in
            try loop.add(mailbox) { (message: Int?) in
                if let message { heard.withLock { $0.append(message) } } else { loop.stop() }
            }
        }
        for number in 0..<100 { mailbox.post(number) }
        mailbox.post(nil)
        thread.join()
        #expect(heard.withLock { $0 } == Array(0..<100))
    }

    @Test func `a failure of the set-up is the caller's`() throws {
        let failure = #expect(throws: SystemError.self) {
            _ = try EpollThread.start(name: "test", failed: { _ in }) { loop throws(SystemError) in
                _ = try loop.add(-1) { _ in }
            }
        }
        #expect(failure?.name == "EBADF")
    }

    @Test func `a thread whose instance is broken says so and ends`() throws {
        let errors = Mutex<[String]>([])
        let thread = try EpollThread.start(
            name: "test",
            failed: { error in errors.withLock { $0.append(error.name) } },
            { loop throws(SystemError) in
                // Something else gets the number, so that closing it twice harms nobody.
                try Descriptor.null().replace(loop.rawValue)
            }
        )
        thread.join()
        #expect(errors.withLock { $0 } == ["EINVAL"])
    }
}
