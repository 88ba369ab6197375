// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

@testable import AdminTools

@Suite struct InstanceChoiceTests {
    private func instance(_ name: String, pid: Int32) -> FoundInstance {
        let record = InstanceRecord(
            name: name,
            pid: pid,
            processStartTime: 1,
            uid: 0,
            version: "0.1.0",
            socketPath: "/run/\(name).sock",
            startedAt: 0
        )
        return FoundInstance(record: record, directory: "/run/flying-passenger/passenger.\(name)")
    }

    private func choose(_ found: [FoundInstance], _ name: String? = nil) throws(ToolFailure) -> FoundInstance {
        try InstanceChoice.choose(from: found, named: name, searched: ["/run/a", "/tmp/b"])
    }

    @Test func `the only instance needs no name`() throws {
        #expect(try choose([instance("one", pid: 1)]).record.name == "one")
    }

    @Test(arguments: ["two", "passenger.two", "22"])
    func `an instance is named by name, directory or PID`(name: String) throws {
        #expect(try choose([instance("one", pid: 11), instance("two", pid: 22)], name).record.pid == 22)
    }

    @Test func `none says where it looked`() {
        let failure = #expect(throws: ToolFailure.self) { try choose([]) }
        #expect(failure?.status == .usage)
        #expect(
            failure?.message.hasPrefix("Flying Passenger is not running: no instance was found in /run/a, /tmp/b.")
                == true
        )
    }

    @Test func `several are listed`() {
        let failure = #expect(throws: ToolFailure.self) {
            try choose([instance("two", pid: 22), instance("first", pid: 1_234_567)])
        }
        #expect(failure?.status == .usage)
        #expect(
            failure?.message == """
                Several Flying Passenger instances are running; name one with --instance NAME.

                Name   PID      Version   Socket
                first  1234567  0.1.0     /run/first.sock
                two    22       0.1.0     /run/two.sock
                """
        )
    }

    @Test func `an unknown name is told with those that exist`() {
        let failure = #expect(throws: ToolFailure.self) { try choose([instance("one", pid: 1)], "two") }
        #expect(failure?.message.hasPrefix("No Flying Passenger instance is named 'two'.\n\nName") == true)
    }
}
