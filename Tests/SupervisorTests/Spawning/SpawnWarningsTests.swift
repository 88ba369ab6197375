// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import Supervisor

struct SpawnWarningsTests {
    @Test func `a group silences no other one, and is heard again after an hour`() {
        var warnings = SpawnWarnings()
        let start = NIODeadline.uptimeNanoseconds(1)
        let admitted = (0..<20_000).filter { warnings.admit("warning \($0)", group: "loud", at: start) }
        #expect(admitted.count == SpawnWarnings.maxPerGroup)
        let isHeard = warnings.admit("warning", group: "quiet", at: start)
        let isRepeated = warnings.admit("warning", group: "quiet", at: start + .minutes(59))
        let isHeardAgain = warnings.admit("warning", group: "quiet", at: start + .hours(1))
        let isLoudHeard = warnings.admit("warning 0", group: "loud", at: start + .hours(1))
        #expect(isHeard && !isRepeated && isHeardAgain && isLoudHeard)
    }
}
