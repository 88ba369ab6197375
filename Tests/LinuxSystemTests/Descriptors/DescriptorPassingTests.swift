// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct DescriptorPassingTests {
    @Test func `descriptors arrive with their bytes and in their order`() throws {
        let pair = try SocketPair.make()
        let first = try Pipe.make()
        let second = try Pipe.make()
        try DescriptorPassing.sendAll(
            Array("two pipes".utf8),
            descriptors: [first.writeEnd, second.writeEnd],
            over: pair.firstEnd
        )
        var message = try DescriptorPassing.receive(limit: 64, from: pair.secondEnd)
        #expect(message.bytes.text == "two pipes")
        #expect(message.descriptors.rawValues.count == 2)
        try owned(message.descriptors.takeFirst()).writeAll("1")
        try owned(message.descriptors.takeFirst()).writeAll("2")
        #expect(try Descriptor.duplicating(first.readEnd).readSome(limit: 8).text == "1")
        #expect(try Descriptor.duplicating(second.readEnd).readSome(limit: 8).text == "2")
    }

    @Test func `what arrives is close-on-exec`() throws {
        let pair = try SocketPair.make()
        _ = try DescriptorPassing.send([1], descriptors: [pair.firstEnd], over: pair.firstEnd)
        let message = try DescriptorPassing.receive(limit: 1, from: pair.secondEnd)
        let number = try #require(message.descriptors.rawValues.first)
        let flags = try Files.read("/proc/self/fdinfo/\(number)").text
        #expect(flags.contains("flags:\t02000002"))
    }

    @Test func `too many descriptors are refused by the sender`() throws {
        let pair = try SocketPair.make()
        let many = [Int32](repeating: pair.firstEnd, count: DescriptorPassing.maxDescriptors + 1)
        #expect(throws: SystemError.self) {
            try DescriptorPassing.send([1], descriptors: many, over: pair.firstEnd)
        }
    }

    @Test(.enabled(if: canRefuse, "needs Linux 6.16"))
    func `a socket that refuses descriptors takes bytes, and sends descriptors`() throws {
        let pair = try SocketPair.make()
        DescriptorPassing.refuse(on: pair.firstEnd)
        let error = #expect(throws: SystemError.self) {
            try DescriptorPassing.send([1], descriptors: [pair.firstEnd], over: pair.secondEnd)
        }
        #expect(error?.call == "sendmsg" && error?.isPermissionDenied == true)
        #expect(try DescriptorPassing.send([1], descriptors: [], over: pair.secondEnd) == 1)
        #expect(try DescriptorPassing.send([1], descriptors: [pair.firstEnd], over: pair.firstEnd) == 1)
    }

    private static let canRefuse: Bool = {
        guard let pair = try? SocketPair.make() else { return false }
        return DescriptorPassing.refuse(on: pair.firstEnd)
    }()

    @Test func `bytes without descriptors and the end of the stream are told apart`() throws {
        var pair = try SocketPair.make()
        let receiver = try owned(pair.takeSecond())
        do {
            let sender = try owned(pair.takeFirst())
            _ = try DescriptorPassing.send([9], descriptors: [], over: sender.rawValue)
        }
        let some = try DescriptorPassing.receive(limit: 8, from: receiver.rawValue)
        #expect(some.bytes == [9])
        #expect(some.descriptors.rawValues == [])
        #expect(try DescriptorPassing.receive(limit: 8, from: receiver.rawValue).bytes.isEmpty)
    }
}
