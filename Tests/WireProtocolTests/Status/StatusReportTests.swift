// SPDX-License-Identifier: MIT

import Testing

@testable import WireProtocol

@Suite struct StatusReportTests {
    private let report = StatusReport(
        version: "1.2.0",
        instance: "Ab3dE5g",
        socketPath: "/run/fp.sock",
        watchdogPID: 4700,
        corePID: 4702,
        startedAt: 1,
        time: 2,
        maxPoolSize: 6,
        processCount: 1,
        topLevelQueue: 0
    ) {
        $0.groups = [
            GroupReport(name: "/srv/shop", appRoot: "/srv/shop") {
                $0.queuedRequests = [QueuedRequestReport(method: "GET", path: "/", waitingMilliseconds: 3)]
                $0.lastError = SpawnErrorReport(id: "0badcafe", summary: "no")
                $0.preloader = PreloaderReport(
                    pid: 4710,
                    uptimeSeconds: 9,
                    memory: MemoryReport(resident: 1, virtual: 2)
                )
                $0.memory = MemorySumReport(own: 4, used: 5, saved: -6)
                $0.processes = [
                    ProcessReport(pid: 4711) {
                        $0.cpuPercent = 1
                        $0.memoryKilobytes = 7
                        $0.memory = MemoryReport(resident: 1, virtual: 2, own: 7, shared: 8, proportional: 9)
                        $0.isForked = true
                    }
                ]
            }
        ]
        $0.connections = [
            ConnectionReport(front: "f", pid: 1, uid: 2, authority: "full", sessions: 0, waitingCheckouts: 0)
        ]
    }

    @Test func `a report survives its JSON`() throws {
        #expect(try StatusReport(json: Array(report.prettyJSON().utf8)) == report)
        let answer = AdminAnswer(status: report)
        #expect(try AdminAnswer(json: answer.json()) == answer)
    }

    @Test func `keys are in snake case`() {
        let json = report.prettyJSON()
        for key in ["max_pool_size", "app_root", "processes_being_spawned", "last_used", "queued_requests", "core_pid"]
        {
            #expect(json.contains("\"\(key)\""))
        }
    }

    /// Kilobytes used and saved, percent that is shown.
    @Test(
        arguments: [(60, 40, 40), (0, 1, 100), (1, 0, nil), (1, -1, nil), (-5, 5, 100), (.max, .max, 50)]
            as [(Int, Int, Int?)]
    )
    func `what is saved is a part of what would be used without sharing`(_ used: Int, _ saved: Int, _ percent: Int?) {
        #expect(MemorySumReport(own: 0, used: used, saved: saved).savedPercent == percent)
    }

    @Test func `a command is an object with its name`() throws {
        #expect(String(decoding: AdminCommand.status.json(), as: UTF8.self) == #"{"command":"status"}"#)
        #expect(try AdminCommand(json: Array(#"{"command":"status","later":1}"#.utf8)) == .status)
    }

    @Test func `a process is named by its PID`() throws {
        let json = #"{"command":"request_oob_work","pid":4711}"#
        #expect(String(decoding: AdminCommand.requestOutOfBandWork(of: 4711).json(), as: UTF8.self) == json)
        #expect(try AdminCommand(json: Array(json.utf8)) == .requestOutOfBandWork(of: 4711))
    }

    @Test(arguments: [AdminError.Kind.noSuchProcess, .refused])
    func `a refusal keeps its kind`(kind: AdminError.Kind) throws {
        let answer = AdminAnswer(error: AdminError(kind: kind, message: "No."))
        #expect(try AdminAnswer(json: answer.json()) == answer)
    }

    @Test(
        arguments: [
            "", "{", "[]", #"{"command":1}"#, "\u{0}", #"{"command":"request_oob_work","pid":"4711"}"#,
            #"{"command":"request_oob_work","pid":4294967296}"#, #"{"command":"request_oob_work","pid":1.5}"#,
        ]
    )
    func `other bytes are malformed`(text: String) {
        #expect(throws: AdminError.self) { try AdminCommand(json: Array(text.utf8)) }
    }
}
