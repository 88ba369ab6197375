// SPDX-License-Identifier: MIT

import AdminTools
import Testing
import WireProtocol

struct RequestsTextTests {
    private static let running = [
        RunningRequestReport(method: "GET", host: "www.foo.local", path: "/slow?a=1", ageMilliseconds: 12_345),
        RunningRequestReport(method: "POST", host: "", path: "/\u{1B}[2J", ageMilliseconds: 40),
    ]

    @Test func `running and waiting requests are named with their process and age`() {
        let group = GroupReport(name: "/apps/foo", appRoot: "/apps/foo") {
            $0.queuedRequests = [QueuedRequestReport(method: "GET", path: "/next", waitingMilliseconds: 900)]
            $0.processes = [
                ProcessReport(pid: 77) {
                    $0.sessions = 3
                    $0.requests = Self.running
                }, ProcessReport(pid: 78),
            ]
        }
        #expect(
            RequestsText().render(PoolTextTests.report(groups: [group])) == """
                /apps/foo:
                  PID 77  12.3 s  GET www.foo.local /slow?a=1
                  PID 77  0.0 s  POST /\\x1b[2J
                  PID 77  and 1 more
                  waiting  0.9 s  GET /next

                """
        )
    }

    @Test func `numbers of a daemon that make no sense show nothing`() {
        let process = ProcessReport(pid: .min) {
            $0.sessions = .min
            $0.requests = Self.running
        }
        #expect(
            !RequestsText().render(
                PoolTextTests.report(groups: [
                    GroupReport(name: "a", appRoot: "/a") { $0.processes = [process] }
                ])
            ).contains(
                "more"
            )
        )
    }

    @Test func `nothing to show is said, and what is hidden`() {
        #expect(
            RequestsText().render(PoolTextTests.report(hiddenGroups: 2))
                == "No request is running or waiting.\n\n2 applications of other users not shown; run this as root.\n"
        )
    }
}
