// SPDX-License-Identifier: MIT

/// Runs a scenario for each of the cases at the same time; for scenarios that wait most of theirs.
///
/// Each has daemons, ports and directories of its own, and measures no time that its neighbours could make longer.
package func together<Case: Sendable>(
    _ cases: [Case],
    _ scenario: @escaping @Sendable (Case) throws -> Void
) async throws {
    // Tasks, so that an expectation knows which test it belongs to.
    try await withThrowingTaskGroup(of: Void.self) { group in
        for one in cases { group.addTask { try scenario(one) } }
        try await group.waitForAll()
    }
}
