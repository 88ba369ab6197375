// SPDX-License-Identifier: MIT

import ArgumentParser
import Testing
import WireProtocol

@testable import AdminTools

@Suite struct PassengerStatusTests {
    private func render(_ arguments: String...) throws -> String {
        try PassengerStatus.parse(arguments).render(PoolTextTests.report())
    }

    @Test func `the header goes before the text`() throws {
        let lines = try render().split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "Version: 1.2.0")
        #expect(lines[1].hasPrefix("Date   : 20"))
        #expect(lines[1].utf8.count == "Date   : 2030-01-31 18:05:09 +0100".utf8.count)
        #expect(lines[2].contains("----------- General information -----------"))
    }

    @Test func `no header is printed when it is not wanted`() throws {
        #expect(!(try render("--no-header")).contains("Version:"))
        #expect(!(try render("--show=server", "--no-header")).contains("Version:"))
    }

    @Test(arguments: [["--show=json"], ["--show", "json"], ["--json"]])
    func `JSON never has the header`(arguments: [String]) throws {
        let text = try PassengerStatus.parse(arguments).render(PoolTextTests.report())
        #expect(text.hasPrefix("{"))
        #expect(try StatusReport(json: Array(text.utf8)) == PoolTextTests.report())
    }

    @Test func `colours can be forced`() throws {
        #expect(try render("--force-colors").contains("\u{1B}[1;33m-----------"))
    }

    @Test(arguments: [["--show=union_station"], ["--show=xml"], ["--frobnicate"], ["one", "two"]])
    func `wrong usage is refused`(arguments: [String]) {
        #expect(throws: (any Error).self) { try PassengerStatus.parse(arguments) }
    }
}
