// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import TestSupport
import Testing

@testable import FrontProxy

struct FileSendingTests {
    /// A connection whose channel has what it is given until the test lets it go.
    private final class Taker: FileTaker {
        var isOpen = true
        var fileSocket: Int32?
        private(set) var waiting: [(bytes: ByteBuffer, body: (Bool) -> Void)] = []
        private(set) var turns: [() -> Void] = []
        private(set) var handed = 0
        private(set) var written: [UInt8] = []
        /// Whether it takes everything at once.
        var isQuick = false

        func write(_ bytes: ByteBuffer, whenTaken body: @escaping (Bool) -> Void) {
            written += bytes.readableBytesView
            if isQuick { body(true) } else { waiting.append((bytes, body)) }
        }

        func handed(_ count: Int) { handed += count }
        func onNextTurn(_ body: @escaping () -> Void) { turns.append(body) }

        /// The channel has written what it had, or its connection is lost.
        func take(_ isTaken: Bool = true) { waiting.removeFirst().body(isTaken) }
        func nextTurn() { turns.removeFirst()() }
    }

    private final class Outcome {
        var calls: [Bool] = []
    }

    private let directory: TestDirectory
    private let content: [UInt8]
    private let path: String
    private let taker = Taker()
    private let outcome = Outcome()

    init() throws {
        directory = try TestDirectory()
        content = TestBytes.patterned(3_000_000)
        path = directory.file("file")
        try Files.write(content, to: path)
    }

    private func send(_ range: Range<Int>) throws -> FileSending {
        let file = SharedDescriptor(try Files.openForReading(path))
        let sending = FileSending(file, range, to: taker) { [outcome] in outcome.calls.append($0) }
        sending.begin(behind: ByteBuffer(string: "head"))
        return sending
    }

    @Test func `without a socket all of a part is copied, behind its head`() throws {
        taker.isQuick = true
        let sending = try send(1_000_000..<2_900_000)
        #expect(outcome.calls.isEmpty)
        taker.nextTurn()
        #expect(outcome.calls == [true])
        #expect(taker.written == Array("head".utf8) + content[1_000_000..<2_900_000])
        _ = sending
    }

    @Test func `the kernel sends to a socket that takes it, the channel hears of room in one that does not`() throws {
        let (ours, theirs) = try Self.connected()
        taker.fileSocket = ours.rawValue
        let sending = try send(0..<content.count)
        #expect(taker.handed == 0)
        // The head is with the channel: nothing may come before it.
        taker.take()
        #expect(taker.handed > 0)
        var received: [UInt8] = []
        while outcome.calls.isEmpty {
            if taker.turns.isEmpty {
                let waiting = try #require(taker.waiting.first).bytes
                // What the channel was given belongs behind what the kernel has sent.
                received += try Self.everything(in: theirs)
                received += waiting.readableBytesView
                taker.take()
            } else {
                taker.nextTurn()
            }
        }
        received += try Self.everything(in: theirs)
        #expect(outcome.calls == [true])
        #expect(received == content)
        #expect(taker.handed > content.count / 2)
        _ = sending
    }

    @Test(arguments: [true, false]) func `a file that becomes shorter ends it at once`(_ hasSocket: Bool) throws {
        let (ours, theirs) = try Self.connected()
        if hasSocket { taker.fileSocket = ours.rawValue }
        let sending = try send(0..<content.count)
        taker.take()
        let (before, copied) = (taker.handed, taker.written.count)
        #expect(try Shell.run(["truncate", "--size=1", path]).status.isSuccess)
        _ = try Self.everything(in: theirs)
        taker.take()
        #expect(outcome.calls == [false])
        #expect(taker.handed == before && taker.written.count == copied && taker.waiting.isEmpty && taker.turns.isEmpty)
        _ = sending
    }

    @Test func `a connection that is lost while it waits ends it, and its number is not used any more`() throws {
        let (ours, theirs) = try Self.connected()
        taker.fileSocket = ours.rawValue
        let first = try send(0..<content.count)
        taker.take()
        taker.take(false)
        #expect(outcome.calls == [false])
        let second = try send(0..<10)
        let before = taker.handed
        taker.isOpen = false
        taker.take()
        #expect(outcome.calls == [false, false])
        #expect(taker.handed == before)
        _ = (first, second, theirs)
    }

    /// The end that is sent to does not block.
    private static func connected() throws -> (SharedDescriptor, SharedDescriptor) {
        var pair = try SocketPair.make()
        let ours = SharedDescriptor(try owned(pair.takeFirst()))
        try ours.descriptor.setNonBlocking()
        return (ours, SharedDescriptor(try owned(pair.takeSecond())))
    }

    private static func owned(_ descriptor: consuming Descriptor?) throws -> Descriptor {
        guard let descriptor else { throw SystemError(call: "socketpair", code: 0) }
        return descriptor
    }

    private static func everything(in socket: SharedDescriptor) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { room.deallocate() }
        while case .bytes(let count) = try Transfers.readWithoutWaiting(socket.rawValue, into: room) {
            bytes += UnsafeRawBufferPointer(rebasing: room[..<count])
        }
        return bytes
    }
}
