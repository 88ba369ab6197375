// SPDX-License-Identifier: MIT

/// What is known of a start by now, whatever comes of it.
package struct StartContext: Hashable, Sendable {
    /// By what its failure will be known, in log, page and details file.
    package let id: ErrorID
    package var journey: Journey
    /// Nil until it is decided.
    package var identity: RunningIdentity?
    /// Nil until it is known what is to be run.
    package var program: Program?
    /// The limits that the process runs with; empty if it has not got that far.
    package var limits: [ReportedLimit]
    /// The tail of what the process wrote to stdout and stderr, invalid UTF-8 repaired.
    package var output: String
    /// What the process had of the processors; nil: not asked, or not known.
    package var processorTime: ProcessorTime?

    /// What the busiest thread of a process had of the processors since it began.
    package struct ProcessorTime: Hashable, Sendable {
        package var used: Duration
        /// It could have run, and others did.
        package var waited: Duration

        package init(used: Duration, waited: Duration) {
            self.used = used
            self.waited = waited
        }

        /// It waited for a processor for most of this time.
        package func isStarved(within time: Duration) -> Bool { waited > time / 2 }
    }

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
        journey: Journey = Journey(),
        identity: RunningIdentity? = nil,
        program: Program? = nil,
        limits: [ReportedLimit] = [],
        output: String = ""
    ) {
        self.id = id
        self.journey = journey
        self.identity = identity
        self.program = program
        self.limits = limits
        self.output = output
    }
}

/// Identifies one failure in log, page and details file: eight hexadecimal digits.
package struct ErrorID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    package var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
