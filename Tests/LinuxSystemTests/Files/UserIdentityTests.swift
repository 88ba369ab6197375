// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct UserIdentityTests {
    private struct Rights: Equatable {
        var uid: Substring = ""
        var gid: Substring = ""
        var groups: [Substring] = []

        /// Of the calling thread: for files, and its supplementary groups.
        init() throws {
            let text = String(decoding: try Files.read("/proc/thread-self/status", limit: 1 << 16), as: UTF8.self)
            for line in text.split(separator: "\n") {
                let words = line.split { $0 == "\t" || $0 == " " }
                switch words.first {
                case "Uid:": uid = words.last ?? ""
                case "Gid:": gid = words.last ?? ""
                case "Groups:": groups = Array(words.dropFirst())
                default: break
                }
            }
        }
    }

    @Test(.enabled(if: CurrentProcess.isRoot, "needs root"))
    func `a thread has the rights of a user for a while, and its own before and after`() throws {
        let before = try Rights()
        for id: UInt32 in [12_345, 12_346] {
            let identity = UserIdentity(uid: id, gid: id + 1, groups: [id + 2])
            // What a file of /proc says is asked of the kernel, which lets everybody see it.
            var inside: Rights?
            try identity.run { () throws(SystemError) in inside = try? Rights() }
            #expect(inside?.uid == "\(id)" && inside?.gid == "\(id + 1)")
            #expect(inside?.groups == ["\(id + 2)"])
            #expect(try Rights() == before)
        }
    }
}
