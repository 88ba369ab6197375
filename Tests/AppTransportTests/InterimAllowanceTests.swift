// SPDX-License-Identifier: MIT

import AppTransport
import Testing

struct InterimAllowanceTests {
    private static func actions(count: Int, byteCount: Int) -> [InterimAllowance.Action] {
        var allowance = InterimAllowance()
        return (0..<count).map { _ in allowance.arrived(byteCount: byteCount) }
    }

    @Test(arguments: [(30, 16, 1_024), (4_096, 16, 256), (16_384, 4, 64), (65_536, 1, 16), (200_000, 0, 5)])
    func `few are passed on, and not many are read`(_ byteCount: Int, _ passed: Int, _ read: Int) {
        let actions = Self.actions(count: read + 2, byteCount: byteCount)
        #expect(actions.prefix(passed).allSatisfy { $0 == .pass })
        #expect(actions[passed..<read].allSatisfy { $0 == .drop })
        #expect(actions[read...].allSatisfy { $0 == .refuse })
    }
}
