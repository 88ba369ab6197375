// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// All that a tenant can do at once, beside somebody else's application; `make soak` is the long form, with figures.
    @Suite(.enabled(if: Machine.isRoot, "applications of several users need root"))
    struct HostileTenantTests {
        /// The program says what it found: a request of the neighbour that failed, a core or worker that is another one,
        /// descriptors or memory that did not come back, an attack that never took place.
        @Test(.enabled(if: Integration.hasNode, "needs node"))
        func `all attacks at once cost the neighbour no request, and nothing stays behind`() throws {
            let outcome = try Shell.run(
                [
                    "\(Repository.root)/Benchmarks/tenant", "--bin-dir=\(Repository.programs)", "--seconds=15",
                    "--alone=3",
                ],
                within: .seconds(200)
            )
            #expect(outcome.status.isSuccess, "\(outcome.output)")
        }
    }
}
