// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import TestSupport
import Testing

@testable import FrontProxy

struct ControlReaderTests {
    private func ends() throws -> (master: SharedDescriptor, worker: SharedDescriptor) {
        var pair = try SocketPair.make()
        guard let first = pair.takeFirst(), let second = pair.takeSecond() else {
            throw SystemError(call: "socketpair", code: 0)
        }
        try first.setNonBlocking()
        return (SharedDescriptor(first), SharedDescriptor(second))
    }

    @Test func `frames arrive in order with their descriptors, and a reader who is slow holds nobody`() throws {
        let (master, worker) = try ends()
        let null = SharedDescriptor(try Descriptor.null())
        let big = ControlFrame(
            kind: .bootstrap,
            payload: ByteBuffer(string: String(repeating: "x", count: 1_000_000))
        )
        var sender = ControlSender()
        sender.append(big, descriptors: Array(repeating: null, count: 450))
        sender.append(ControlFrame(kind: .quit))
        let hasSent = try sender.flush(over: master.rawValue)
        let hasSentMore = try sender.flush(over: master.rawValue)
        #expect(hasSent && !hasSentMore && !sender.isEmpty)
        let reading = try OSThread.start(name: "reader") {
            let reader = ControlReader(worker)
            #expect(reader.next() == big)
            let received = reader.takeDescriptors().count
            #expect(received == 450)
            #expect(reader.next() == ControlFrame(kind: .quit))
            let rest = reader.takeDescriptors().count
            #expect(rest == 0)
        }
        while !sender.isEmpty {
            _ = try Poll.wait(master.rawValue, for: .writable, timeout: .seconds(20))
            _ = try sender.flush(over: master.rawValue)
        }
        reading.join()
    }

    @Test func `the end of the other side ends the stream`() throws {
        let (master, worker) = try ends()
        var sender = ControlSender()
        sender.append(ControlFrame(kind: .drain))
        _ = try sender.flush(over: master.rawValue)
        try master.descriptor.shutdownBoth()
        let reader = ControlReader(worker)
        #expect(reader.next() == ControlFrame(kind: .drain))
        #expect(reader.next() == nil)
    }

    @Test func `bytes that are no frame end the stream`() throws {
        let (master, worker) = try ends()
        try master.descriptor.writeAll([0, 0, 0, 1, 99])
        #expect(ControlReader(worker).next() == nil)
    }
}
