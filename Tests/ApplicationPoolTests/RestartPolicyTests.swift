// SPDX-License-Identifier: MIT

import Testing

@testable import ApplicationPool

struct RestartPolicyTests {
    typealias File = RestartFacts.RestartFile

    private static let older = File.present(seconds: 1, nanoseconds: 0, inode: 1)
    private static let newer = File.present(seconds: 2, nanoseconds: 0, inode: 1)
    private static let elsewhere = File.present(seconds: 1, nanoseconds: 0, inode: 9)

    /// Looks in a row, and after which of them the app restarts.
    static let rows: [(looks: [File], restarts: [Bool])] = [
        ([.absent], [false]),
        ([older], [false]),
        ([older, older], [false, false]),
        ([older, newer], [false, true]),
        ([newer, older], [false, true]),
        ([older, newer, newer], [false, true, false]),
        ([.absent, older], [false, true]),
        ([older, .absent], [false, false]),
        ([older, .absent, older], [false, false, true]),
        ([older, elsewhere], [false, true]),
        ([older, .unknown, older], [false, false, false]),
        ([older, .unknown, newer], [false, false, true]),
        ([.unknown, older, newer], [false, false, true]),
        ([.absent, .unknown, older], [false, false, true]),
    ]

    @Test(arguments: rows)
    func `only a file that appears or changes restarts`(row: (looks: [File], restarts: [Bool])) {
        var policy = RestartPolicy()
        let decisions = row.looks.map { policy.looked(RestartFacts(restartFile: $0), isRestarting: false) }
        #expect(decisions == row.restarts.map { $0 ? .restartForTouch : .keep })
    }

    @Test func `always_restart restarts for each request that finds no restart under way`() {
        var policy = RestartPolicy()
        let facts = RestartFacts(restartFile: .absent, alwaysRestart: true)
        #expect(policy.looked(facts, isRestarting: false) == .restartForEachRequest)
        #expect(policy.looked(facts, isRestarting: true) == .keep)
        #expect(policy.looked(facts, isRestarting: false) == .restartForEachRequest)
    }

    @Test func `a touch counts even while a restart is under way`() {
        var policy = RestartPolicy()
        _ = policy.looked(RestartFacts(restartFile: .absent), isRestarting: false)
        let touched = RestartFacts(restartFile: Self.newer, alwaysRestart: true)
        #expect(policy.looked(touched, isRestarting: true) == .restartForTouch)
    }
}
