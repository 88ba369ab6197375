// SPDX-License-Identifier: MIT

import Testing

@testable import Supervisor

@Suite struct RestartBackoffTests {
    @Test(arguments: [(1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 30), (8, 30), (1_000_000, 30)])
    func `the delay doubles up to its cap`(crashes: Int, seconds: Int) {
        #expect(RestartBackoff.delay(crashesInARow: crashes) == .seconds(seconds))
    }

    @Test func `a core that lived long enough clears the count`() {
        var backoff = RestartBackoff()
        #expect(backoff.crashed(afterLiving: .seconds(1)) == .zero)
        #expect(backoff.crashed(afterLiving: .seconds(59)) == .seconds(1))
        #expect(backoff.crashed(afterLiving: .seconds(60)) == .zero)
        #expect(backoff.crashed(afterLiving: .zero) == .seconds(1))
    }
}
