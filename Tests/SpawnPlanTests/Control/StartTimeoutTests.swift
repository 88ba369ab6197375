// SPDX-License-Identifier: MIT

import ShownText
import Testing

@testable import SpawnPlan

@Suite struct StartTimeoutTests {
    private let timeout = StartTimeout(limit: .seconds(90), appRoot: "/srv/shop")

    @Test func `who waited for a processor is told so, and not of databases`() throws {
        let time = StartContext.ProcessorTime(used: .milliseconds(2040), waited: .seconds(80))
        let cause = timeout.cause(at: .app, time)
        #expect(
            cause.summary
                == "the application was not ready within 90 seconds (passenger_start_timeout); it had 2.0 s of a processor and "
                + "waited 80.0 s for one: the machine is overloaded"
        )
        #expect(cause.remedies.first?.command == "top -b -n 1 | head -n 20")
        var failure = DiagnosisBench.failure(.timeout, kind: .timeout, step: .app, summary: cause.summary)
        #expect(try DiagnosisBench.diagnosis(failure).explanation.contains("database"))
        failure.context.processorTime = time
        #expect(try DiagnosisBench.diagnosis(failure).explanation.contains("more to do than it can"))
    }

    @Test func `who had no need of a processor waits for something else`() {
        let time = StartContext.ProcessorTime(used: .milliseconds(349), waited: .seconds(3))
        #expect(
            timeout.cause(at: .app, time).summary.hasSuffix("(passenger_start_timeout); it had 0.3 s of a processor")
        )
        #expect(timeout.cause(at: .app).summary.hasSuffix("(passenger_start_timeout)"))
        // Before the program there is nothing of its own to count.
        #expect(timeout.cause(at: .shell, time) == timeout.cause(at: .shell))
    }
}
