// SPDX-License-Identifier: MIT

import ShownText
import Testing

@testable import SpawnPlan

struct SpawnFailureTests {
    private func context() -> StartContext {
        var context = StartContext(id: ErrorID(0xabc))
        context.journey.begin(.prepare, at: .zero)
        context.journey.begin(.workingDirectory, at: .milliseconds(2))
        return context
    }

    @Test func `a cause without a step is one of the step under way, and the journey ends there`() {
        let failure = self.context().failure(SpawnFailure.Cause(.io, .access, "it broke"), at: .milliseconds(5))
        #expect(failure.step == .workingDirectory && failure.context.journey.failed == .workingDirectory)
        #expect(failure.context.journey.entries.first { $0.state == .failed }?.duration == .milliseconds(3))
        #expect(failure.description == "it broke (error 00000abc, io, step working-directory)")
    }

    @Test func `a cause that names its step keeps it`() {
        let cause = SpawnFailure.Cause(.app, nil, "it broke", step: .app, detail: "here", remedies: ["Mend it."])
        let failure = self.context().failure(cause, at: .milliseconds(5))
        #expect(failure.step == .app && failure.context.journey.failed == .app && failure.cause == cause)
        #expect(failure.detail == "here" && failure.remedies == ["Mend it."])
    }

    @Test func `a crash leaves the journey of its start as it was`() {
        let context = self.context()
        let crash = context.crash("process 7 ended", by: .exited(1), lastOutput: "[BUG]")
        #expect(crash.kind == .crash && crash.step == .ready && crash.category == .app)
        #expect(crash.context.journey == context.journey && crash.context.output == "[BUG]")
        #expect(crash.context.id == context.id)
    }

    @Test(arguments: [
        (ProcessEnd.exited(1), "ended itself with exit code 1"),
        (.signaled("SIGKILL", coreDumped: false), "journalctl -k"),
        (.signaled("SIGSEGV", coreDumped: true), "extension"),
        (.signaled("SIGTERM", coreDumped: false), "who sends it"),
    ])
    func `only a process that was killed is looked for among those that ran out of memory`(
        end: ProcessEnd,
        advice: String
    ) {
        let remedies = self.context().crash("x", by: end, lastOutput: "").remedies
        #expect(remedies.first?.description.contains(advice) == true, "\(remedies)")
        let isAboutMemory = remedies.contains { $0.description.contains("journalctl") }
        #expect(isAboutMemory == (end == .signaled("SIGKILL", coreDumped: false)))
    }
}
