// SPDX-License-Identifier: MIT

package import ShownText

/// Why an application process did not come up: everything that log, error page and status say about it.
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

    /// Eight hexadecimal digits, the same in log, page and details file.
    package let id: ErrorID
    package var category: Category
    /// Nil: only the output may tell.
    package var kind: Kind?
    /// The journey step that failed.
    package var step: Journey.Step
    /// One sentence: what failed, on what, why.
    package var summary: String
    /// More lines about the cause, such as an exception with its backtrace; empty if there are none.
    package var detail: String
    /// What the operator can do about it.
    package var remedies: [Remedy]
    /// The tail of what the process wrote to stdout and stderr, invalid UTF-8 repaired.
    package var output: String
    package var identity: RunningIdentity?
    package var journey: Journey
    /// What was to be started; nil when the spawn failed before that was known.
    package var program: Program?
    /// The limits that the process ran with; empty if it did not get that far.
    package var limits: [ReportedLimit]

    /// One resource limit of the process.
    package struct ReportedLimit: Hashable, Sendable {
        /// Such as "open files".
        package var name: String
        /// Nil: unlimited.
        package var soft: UInt64?
        package var hard: UInt64?

        package init(name: String, soft: UInt64?, hard: UInt64?) {
            self.name = name
            self.soft = soft
            self.hard = hard
        }
    }

    /// What a spawn was about to run.
    package struct Program: Hashable, Sendable {
        package var appRoot: String
        package var startupFile: String
        package var kind: String
        package var arguments: [String]
        /// As the process had it in the end, login shell and `env_file` included; secrets masked already.
        package var environment: [EnvironmentVariable]

        package init(
            appRoot: String,
            startupFile: String,
            kind: String,
            arguments: [String],
            environment: [EnvironmentVariable]
        ) {
            self.appRoot = appRoot
            self.startupFile = startupFile
            self.kind = kind
            self.arguments = arguments
            self.environment = environment
        }
    }

    package init(
        id: ErrorID,
        category: Category,
        kind: Kind? = nil,
        step: Journey.Step,
        summary: String,
        detail: String = "",
        remedies: [Remedy] = [],
        output: String = "",
        identity: RunningIdentity? = nil,
        journey: Journey = Journey(),
        program: Program? = nil,
        limits: [ReportedLimit] = []
    ) {
        self.id = id
        self.category = category
        self.kind = kind
        self.step = step
        self.summary = summary
        self.detail = detail
        self.remedies = remedies
        self.output = output
        self.identity = identity
        self.journey = journey
        self.program = program
        self.limits = limits
    }
}

extension SpawnFailure: CustomStringConvertible {
    package var description: String { "\(summary) (error \(id), \(category.rawValue), step \(step.rawValue))" }
}

/// Identifies one failure in log, page and details file.
package struct ErrorID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    package var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
