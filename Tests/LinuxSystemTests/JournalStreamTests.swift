// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct JournalStreamTests {
    @Test func `device and inode are read`() throws {
        let stream = try #require(JournalStream(parsing: "8:12345"))
        #expect(stream.device == 8 && stream.inode == 12345)
    }

    @Test(arguments: ["", "8", "8:", ":9", "8:9:10", "a:b", "-1:2", "8:0x10"])
    func `anything else is none`(_ text: String) {
        #expect(JournalStream(parsing: text) == nil)
    }

    @Test func `a descriptor is the stream if it is that file`() throws {
        let pipe = try Pipe.make()
        let status = try FileStatus(descriptor: pipe.writeEnd)
        let stream = try #require(JournalStream(parsing: "\(status.device):\(status.inode)"))
        #expect(stream.isConnected(to: pipe.writeEnd))
        let other = try Pipe.make()
        #expect(!stream.isConnected(to: other.writeEnd) && !stream.isConnected(to: -1))
    }
}
