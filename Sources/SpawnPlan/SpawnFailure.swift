// SPDX-License-Identifier: MIT

package import ShownText

/// Why an application process did not come up, or ended in service, and what was known of its start.
///
/// Whoever meets a failure says its ``Cause``; only a ``StartContext`` makes the whole of it.
package struct SpawnFailure: Error, Hashable, Sendable {
    /// Whose fault it is, in the words of the error page (spec §2.16).
    package enum Category: String, Sendable, CaseIterable {
        case `internal`
        case fileSystem = "file-system"
        case operatingSystem = "operating-system"
        case io
        case timeout
        /// The application itself: it raised, it exited, it printed garbage on its control channel.
        case app
        /// Settings, ownership or accounts do not allow the start.
        case configuration
        /// The app root holds no startup file of a known kind: the front answers 404, not 500.
        case noApplication = "no-application"
        /// The pool gave the spawn up; nobody waits for it.
        case cancelled
    }

    /// What whoever met the failure can say of it.
    package struct Cause: Error, Hashable, Sendable {
        package var category: Category
        /// Nil: only the output may tell.
        package var kind: Kind?
        /// Nil: the one that was under way.
        package var step: Journey.Step?
        /// One sentence: what failed, on what, why.
        package var summary: String
        /// More lines about the cause, such as an exception with its backtrace; empty if there are none.
        package var detail: String
        /// What the operator can do about it.
        package var remedies: [Remedy]

        package init(
            _ category: Category,
            _ kind: Kind?,
            _ summary: String,
            step: Journey.Step? = nil,
            detail: String = "",
            remedies: [Remedy] = []
        ) {
            self.category = category
            self.kind = kind
            self.step = step
            self.summary = summary
            self.detail = detail
            self.remedies = remedies
        }
    }

    package var cause: Cause
    /// The journey step that failed.
    package let step: Journey.Step
    package var context: StartContext

    fileprivate init(_ cause: Cause, step: Journey.Step, in context: StartContext) {
        self.cause = cause
        self.step = step
        self.context = context
    }

    package var category: Category { cause.category }
    package var kind: Kind? { cause.kind }
    package var summary: String { cause.summary }
    package var detail: String { cause.detail }
    package var remedies: [Remedy] { cause.remedies }
}

extension SpawnFailure: CustomStringConvertible {
    package var description: String {
        "\(summary) (error \(context.id), \(category.rawValue), step \(step.rawValue))"
    }
}

extension StartContext {
    /// The start ends by this.
    package func failure(_ cause: SpawnFailure.Cause, at now: Duration) -> SpawnFailure {
        let step = cause.step ?? journey.current
        var context = self
        context.journey.fail(step, at: now)
        return SpawnFailure(cause, step: step, in: context)
    }

    /// The process ended in service: its start had succeeded, and stays so.
    ///
    /// `limit`: what the kernel ended it for, if it says so.
    package func crash(
        _ summary: String,
        by end: ProcessEnd,
        limit: ReachedLimit? = nil,
        lastOutput: String
    ) -> SpawnFailure {
        var context = self
        context.output = lastOutput
        let known = limit?.remedies ?? []
        return SpawnFailure(
            // Where a limit of its own is known, nobody need look for one.
            SpawnFailure.Cause(.app, .crash, summary, remedies: known.isEmpty ? end.remediesInService : known),
            step: .ready,
            in: context
        )
    }
}
