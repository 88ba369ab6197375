// SPDX-License-Identifier: MIT

import FrontConfiguration
import Logging
import ProgramLog
import Testing

@testable import FrontProxy

struct LogTargetTests {
    @Test(arguments: zip(ErrorLogLevel.allCases, [6, 4, 3, 2, 1, 0, 0, 0]))
    func `levels of nginx have their place in the scale`(level: ErrorLogLevel, number: Int) {
        #expect(LogScale(level).number == number)
    }
}
