// SPDX-License-Identifier: MIT

import ShownText
import SpawnPlan
import Testing

struct ReachedLimitTests {
    private let killed = SpawnFailure.Cause(
        .app,
        .killed,
        "the process ended with signal SIGKILL before it was ready",
        remedies: ["Look whether the kernel did it."]
    )

    @Test func `a process that was killed for the app's limit names it, and what to write`() {
        let cause = killed.reaching(.memory(most: 64 << 20))
        #expect(cause.kind == .limit && cause.category == .app)
        #expect(
            cause.summary
                == "the process ended with signal SIGKILL before it was ready; the application reached its limit of memory "
                + "(passenger_memory_max 64m), and the kernel ended a process of it"
        )
        #expect(cause.remedies.map(\.command) == ["passenger_memory_max 128m;"])
    }

    @Test(arguments: [(128 << 20, "128m"), (5000 << 10, "5000k"), (5_000_001, "5000001")])
    func `sizes are shown as people write them`(bytes: Int, text: String) {
        #expect(ReachedLimit.text(ofBytes: bytes) == text)
    }

    @Test func `a machine without memory is no limit of the app`() {
        let cause = killed.reaching(.memory(most: nil))
        #expect(cause.kind == .outOfMemory && cause.remedies.isEmpty)
        #expect(
            cause.summary.hasSuffix(
                "; the machine has no more memory, and the kernel ended a process of the application"
            )
        )
    }

    @Test func `an app that could not fork keeps what it said itself`() {
        let raised = SpawnFailure.Cause(
            .app,
            .exception,
            "the application raised Errno::EAGAIN: Resource temporarily unavailable - fork(2) (config.ru:2)",
            detail: "backtrace",
            remedies: ["Look at config.ru:2."]
        )
        let cause = raised.reaching(.processes(most: 20))
        #expect(cause.kind == .limit && cause.detail == "backtrace")
        #expect(cause.summary.hasPrefix(raised.summary))
        #expect(
            cause.summary.hasSuffix(
                "; the application reached its limit of processes and threads (passenger_pids_max 20)"
            )
        )
        #expect(cause.remedies.map(\.command) == ["passenger_pids_max 40;", nil])
    }

    @Test(arguments: SpawnFailure.Kind.allCases)
    func `who knows another cause is right`(kind: SpawnFailure.Kind) {
        let open: Set<SpawnFailure.Kind> = [.exception, .earlyExit, .killed, .outOfMemory, .resources, .timeout]
        let cause = SpawnFailure.Cause(.app, kind, "it failed")
        #expect((cause.reaching(.processes(most: 20)) == cause) == !open.contains(kind))
    }

    @Test func `a limit that cannot be doubled is said as it is`() {
        let cause = killed.reaching(.processes(most: .max))
        #expect(cause.remedies.map(\.command) == ["passenger_pids_max \(Int.max);"])
    }
}
