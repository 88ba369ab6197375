// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import TestSupport
import Testing

@testable import FrontProxy

struct ControlChannelTests {
    private func channels() throws -> (ControlChannel, ControlChannel) {
        var pair = try SocketPair.make()
        guard let first = pair.takeFirst(), let second = pair.takeSecond() else {
            throw SystemError(call: "socketpair", code: 0)
        }
        return (ControlChannel(first), ControlChannel(second))
    }

    @Test func `frames arrive in order with their descriptors`() throws {
        let (master, worker) = try channels()
        let null = try Descriptor.null()
        let payload = ByteBuffer(string: String(repeating: "x", count: 100_000))
        let big = ControlFrame(kind: .bootstrap, payload: payload)
        let numbers = Array(repeating: null.rawValue, count: 450)
        let sender = try OSThread.start(name: "sender") {
            try? master.send(big, descriptors: numbers)
            try? master.send(ControlFrame(kind: .quit))
        }
        let reader = ControlReader(worker)
        #expect(reader.next() == big)
        let received = reader.takeDescriptors().count
        #expect(received == 450)
        #expect(reader.next() == ControlFrame(kind: .quit))
        let rest = reader.takeDescriptors().count
        #expect(rest == 0)
        sender.join()
    }

    @Test func `the end of the other side ends the stream`() throws {
        let (master, worker) = try channels()
        try master.send(ControlFrame(kind: .ready))
        try master.descriptor.shutdownBoth()
        let reader = ControlReader(worker)
        #expect(reader.next() == ControlFrame(kind: .ready))
        #expect(reader.next() == nil)
    }

    @Test func `bytes that are no frame end the stream`() throws {
        let (master, worker) = try channels()
        try master.descriptor.writeAll([0, 0, 0, 1, 99])
        #expect(ControlReader(worker).next() == nil)
    }
}
