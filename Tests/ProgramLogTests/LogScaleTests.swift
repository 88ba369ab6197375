// SPDX-License-Identifier: MIT

import Logging
import Testing

@testable import ProgramLog

@Suite struct LogScaleTests {
    @Test(arguments: [
        (0, Logger.Level.critical), (1, .error), (2, .warning), (3, .notice), (4, .info), (5, .debug), (6, .debug),
        (7, .trace),
    ])
    func `each number has its threshold`(number: Int, threshold: Logger.Level) throws {
        #expect(try #require(LogScale(number)).threshold == threshold)
    }

    @Test(arguments: [-1, 8, Int.max])
    func `numbers off the scale are refused`(number: Int) {
        #expect(LogScale(number) == nil)
    }

    @Test func `the standard scale writes notices and no information`() {
        #expect(LogScale.standard.threshold == .notice)
    }

    @Test(arguments: [
        (Logger.Level.critical, Severity.fatal), (.error, .error), (.warning, .warning), (.notice, .info),
        (.info, .info), (.debug, .debug), (.trace, .debug),
    ])
    func `each level has its word`(level: Logger.Level, severity: Severity) {
        #expect(Severity(level) == severity)
    }
}
