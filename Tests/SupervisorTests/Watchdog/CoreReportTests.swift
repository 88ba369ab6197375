// SPDX-License-Identifier: MIT

import Testing

@testable import Supervisor

@Suite struct CoreReportTests {
    @Test(arguments: [CoreReport.ready, .done, .failed("no descriptor left"), .failed("")])
    func `a report survives its line`(report: CoreReport) {
        #expect(CoreReport(Array(report.line.utf8)) == report)
    }

    @Test func `a report is one line`() {
        #expect(CoreReport.failed("one\ntwo").line == "FAILED one two\n")
    }

    @Test func `an incomplete line is no report`() {
        #expect(CoreReport(Array("READY".utf8)) == nil)
        #expect(CoreReport([]) == nil)
    }

    @Test func `anything else is a failure`() {
        #expect(CoreReport(Array("what\nREADY\n".utf8)) == .failed("what"))
    }
}
