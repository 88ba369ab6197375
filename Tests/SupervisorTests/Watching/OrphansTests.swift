// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import TestSupport
import Testing

@testable import Supervisor

struct OrphansTests {
    @Test func `what an app leaves behind is recorded once, and forgotten when it has ended`() throws {
        try CurrentProcess.becomeSubreaper()
        let directory = try TestDirectory()
        let orphans = Orphans(
            records: ProcessRecords(directory: directory.path),
            sessions: AppSessions(),
            logger: Logger(label: "test")
        )
        let program = try RunningProgram(
            ["/bin/sh", "-c", "sleep 1000 & echo $! > \(directory.path)/pid"],
            log: "/dev/null"
        )
        _ = try program.waitForExit(within: .seconds(20))
        let text = try String(decoding: Files.read(directory.path + "/pid", limit: 32), as: UTF8.self)
        let pid = try #require(Int32(text.filter(\.isNumber)))
        let handle = try ProcessHandle(pid: pid)
        let isRecorded = { try Files.list(directory.path).contains { $0.hasPrefix("\(pid)-") } }
        orphans.record()
        #expect(try isRecorded())
        orphans.record()
        try handle.signal(.kill)
        #expect(try handle.hasEnded(within: .seconds(20)))
        // Other tests of this process may have children that are in front of it.
        try eventually("its end to be noticed") {
            _ = orphans.collect()
            return try !isRecorded()
        }
    }
}
