// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct DescriptorTests {
    @Test func `a descriptor is closed with its owner`() throws {
        let number = try ownAndDrop()
        // Other tests may have opened the same number since: then it is not the pipe any more.
        #expect((try? Files.readLink("/proc/self/fd/\(number)").hasPrefix("/dev/null")) != true)
    }

    private func ownAndDrop() throws -> Int32 {
        let descriptor = try Descriptor.null()
        let high = try Descriptor.duplicating(descriptor.rawValue)
        return high.rawValue
    }

    @Test func `a released descriptor stays open`() throws {
        let number = try Descriptor.null().release()
        #expect(try Files.readLink("/proc/self/fd/\(number)") == "/dev/null")
        Transfers.close(number)
    }

    @Test func `bytes pass through a pipe until its writing end is closed`() throws {
        var pipe = try Pipe.make()
        let reader = try owned(pipe.takeReadEnd())
        do {
            let writer = try owned(pipe.takeWriteEnd())
            try writer.writeAll("one two")
        }
        #expect(try reader.readableBytes() == 7)
        #expect(try reader.readAll(limit: 100).text == "one two")
        #expect(throws: NothingThere.self) { try close(pipe.takeReadEnd()) }
    }

    @Test func `reading is bounded`() throws {
        var pipe = try Pipe.make()
        let reader = try owned(pipe.takeReadEnd())
        let writer = try owned(pipe.takeWriteEnd())
        try writer.writeAll("12345678")
        _ = writer.release()
        #expect(throws: SystemError.self) { try reader.readAll(limit: 7) }
    }

    @Test func `an empty pipe that does not block says so`() throws {
        let pipe = try Pipe.make(nonBlocking: true)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
        defer { buffer.deallocate() }
        #expect(try Transfers.read(pipe.readEnd, into: buffer) == .wouldBlock)
    }

    @Test func `a closed peer is an error, not a signal`() throws {
        var pair = try SocketPair.make()
        let first = try owned(pair.takeFirst())
        try close(pair.takeSecond())
        let error = #expect(throws: SystemError.self) {
            try [UInt8("x".utf8.first ?? 0)].withUnsafeBytes { try Transfers.send(first.rawValue, $0) }
        }
        #expect(error?.isBrokenPipe == true)
    }

    @Test func `half a connection can be shut down`() throws {
        let pair = try SocketPair.make()
        try Transfers.shutdownWrite(pair.firstEnd)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
        defer { buffer.deallocate() }
        #expect(try Transfers.read(pair.secondEnd, into: buffer) == .endOfStream)
    }

    @Test func `a list closes what nobody took`() throws {
        var list = DescriptorList()
        let first = try Descriptor.null()
        let number = first.rawValue
        list.append(first)
        list.append(try Descriptor.null())
        #expect(list.rawValues.count == 2)
        let taken = try owned(list.takeFirst())
        #expect(taken.rawValue == number)
        #expect(list.rawValues.count == 1)
    }
}
