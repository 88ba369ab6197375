// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import Testing

@testable import Supervisor

@Suite struct ProcessRecordsTests {
    @Test func `what a dead daemon left running is ended, once`() throws {
        let directory = try TestDirectory()
        let records = ProcessRecords(directory: directory.path)
        let program = try RunningProgram(["/bin/sh", "-c", "sleep 1000 & sleep 1000"], log: "/dev/null")
        try records.add(#require(ProcInfo(pid: program.pid)))
        #expect(records.sweep() == [program.pid])
        #expect(try program.waitForExit(within: .seconds(10)) == .signaled(9, coreDumped: false))
        #expect(records.sweep().isEmpty)
    }

    @Test func `a process that got the number later is left alone`() throws {
        let directory = try TestDirectory()
        let records = ProcessRecords(directory: directory.path)
        let program = try RunningProgram(["/bin/sleep", "1000"], log: "/dev/null")
        try directory.write("", to: "\(program.pid)-1.process")
        try directory.write("", to: "1-1.process")
        try directory.write("", to: "no record")
        #expect(records.sweep().isEmpty)
        #expect(try !program.handle.hasEnded())
        #expect(try Files.list(directory.path) == ["no record"])
    }

    @Test func `records go with their processes`() throws {
        let directory = try TestDirectory()
        let records = ProcessRecords(directory: directory.path)
        let own = try #require(ProcInfo(pid: CurrentProcess.pid))
        try records.add(own)
        #expect(try Files.list(directory.path).count == 1)
        records.remove(pid: own.pid, startedAt: own.startTime)
        #expect(try Files.list(directory.path).isEmpty)
        #expect(ProcessRecords(directory: "/no/such/directory").sweep().isEmpty)
    }
}
