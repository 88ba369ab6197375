// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct LaunchFailureTests {
    @Test(arguments: ["", "+"])
    func `a report is step, number and subject`(prefix: String) {
        let report = Array("\(prefix)program\u{0}2\u{0}/no/such\u{0}".utf8)
        #expect(LaunchFailure(report: report) == LaunchFailure(step: .program, code: 2, subject: "/no/such"))
    }

    @Test(arguments: ["", "program", "program\u{0}2\u{0}", "nonsense\u{0}2\u{0}x\u{0}", "program\u{0}x\u{0}y\u{0}"])
    func `anything else is no report`(text: String) {
        #expect(LaunchFailure(report: Array(text.utf8)) == nil)
    }

    @Test func `a failure makes a sentence`() {
        let failure = LaunchFailure(step: .enterDirectory, code: 13, subject: "/home/joe")
        #expect(failure.description == "enter-directory failed (/home/joe): Permission denied")
    }
}
