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

    @Test func `what users share is listed, with how often somebody did without`() {
        var report = PoolTextTests.report()
        report.budgets = [
            BudgetReport(name: "admin connections", used: 3, limit: 512, refused: 20),
            BudgetReport(name: "frames", refused: 0),
        ]
        #expect(
            ServerText().render(report).hasSuffix(
                """
                No front is connected.

                ----------- Shared among users -----------
                admin connections : in use 3 of 512, refused or delayed 20
                frames            : refused or delayed 0

                """
            )
        )
    }
}
