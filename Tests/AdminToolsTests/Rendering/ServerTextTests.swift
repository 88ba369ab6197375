// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

@testable import AdminTools

@Suite struct ServerTextTests {
    @Test func `without fronts it says so`() {
        #expect(
            ServerText().render(PoolTextTests.report()) == """
                ----------- Daemon -----------
                Instance : Ab3dE5g
                Socket   : /run/fp.sock
                PIDs     : 4700 (watchdog), 4702 (core)

                No front is connected.

                """
        )
    }

    @Test func `each connection has its line`() {
        var report = PoolTextTests.report()
        report.connections = [
            ConnectionReport(
                front: "0:/etc/front.conf",
                pid: 17,
                uid: 33,
                authority: "full",
                sessions: 2,
                waitingCheckouts: 1
            )
        ]
        #expect(
            ServerText().render(report).hasSuffix(
                """
                ----------- Connections of fronts -----------
                0:/etc/front.conf:
                  * PID: 17      UID: 33      Sessions: 2     Waiting: 1   Settings: full

                """
            )
        )
    }
}
