// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct WorkerReportTests {
    private static let long = String(repeating: "x", count: 509)

    @Test(arguments: [WorkerReport.ready, .failed("no threads: ä"), .failed(""), .failed(long)])
    func `a report has one size and says what it said`(_ report: WorkerReport) {
        #expect(report.bytes.count == WorkerReport.size)
        #expect(WorkerReport(report.bytes) == report)
    }

    @Test func `a reason that is too long is cut`() {
        #expect(WorkerReport(WorkerReport.failed(Self.long + "more").bytes) == .failed(Self.long))
    }

    @Test(arguments: [[0, 0, 0], [3, 0, 0], [2, 1, 254], [2, 255, 255]] as [[UInt8]])
    func `other bytes are no report`(_ head: [UInt8]) {
        let bytes = head + [UInt8](repeating: 0, count: WorkerReport.size - 3)
        #expect(WorkerReport(bytes) == nil)
        var reports = WorkerReports()
        #expect(reports.received(bytes) == .broken(reason: "it sent what is not a report"))
        #expect(reports.received(WorkerReport.ready.bytes) == .nothing)
    }

    @Test(arguments: [1, 100, 511, 512])
    func `a report may come in pieces, and no more than it is asked for`(_ size: Int) {
        var reports = WorkerReports()
        var rest = WorkerReport.failed("why").bytes[...]
        var event = WorkerReports.Event.nothing
        while !rest.isEmpty {
            #expect(event == .nothing && reports.readLimit == rest.count)
            event = reports.received(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        #expect(event == .report(.failed("why")) && reports.readLimit == 1)
    }

    @Test func `whoever goes on talking breaks the rules, once`() {
        var reports = WorkerReports()
        #expect(reports.received(WorkerReport.ready.bytes) == .report(.ready))
        #expect(reports.received([0]) == .broken(reason: "it went on talking after its report"))
        #expect(reports.received([0]) == .nothing)
    }
}
