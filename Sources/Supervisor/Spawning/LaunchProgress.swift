// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan

/// What the helper has reported about a launch.
///
///     state      step          step "execute"   variable, limit   failure    garbage    end of the report
///     helping    told          → executing      noted             → failed   → failed   → ended
///     executing  told          told             noted             → failed   → failed   → running
///     running    – for the report has ended
///     ended      – for the report has ended; the process will say how it ends
///     failed     ignored: the first failure counts
struct LaunchProgress: Sendable {
    enum State: Hashable, Sendable {
        /// Leaves by `execute`, a failure, and the end of the report.
        case helping
        /// The last step: either the program runs next, or a failure follows. Leaves by failure and end.
        case executing
        case running
        /// Without a word about the program.
        case ended
        case failed
    }

    enum News: Hashable, Sendable {
        /// At a moment of `MonotonicClock`, as the helper says.
        case step(String, at: UInt64)
        /// The last news.
        case failed(LaunchFailure)
    }

    enum EndNews: Hashable, Sendable {
        case programRuns
        /// The pidfd tells how.
        case helperEnded
        case ignored(reason: String)
    }

    private(set) var state = State.helping
    /// What the program really gets; empty as long as it has not been told.
    private(set) var environment: [EnvironmentVariable] = []
    private(set) var limits: [StartContext.ReportedLimit] = []
    private var records = LaunchRecords()

    mutating func received(_ bytes: some Collection<UInt8>) -> [News] {
        guard self.state == .helping || self.state == .executing else { return [] }
        let records: [LaunchRecord]
        do throws(LaunchFailure) {
            records = try self.records.received(bytes)
        } catch {
            self.state = .failed
            return [.failed(error)]
        }
        var news: [News] = []
        for record in records where self.state != .failed { self.take(record, &news) }
        return news
    }

    private mutating func take(_ record: LaunchRecord, _ news: inout [News]) {
        switch record {
        case .step(let name, let moment):
            if name == LaunchRecord.executeStep { self.state = .executing }
            news.append(.step(name, at: moment))
        case .variable(let name, let value): self.environment.append(EnvironmentVariable(name: name, value: value))
        case .limit(let name, let limit): self.limits.append(StartContext.ReportedLimit(name, limit))
        case .failed(let failure):
            self.state = .failed
            news.append(.failed(failure))
        }
    }

    mutating func reportEnded() -> EndNews {
        switch self.state {
        case .helping:
            self.state = .ended
            return .helperEnded
        case .executing:
            self.state = .running
            return .programRuns
        case .running, .ended, .failed: return .ignored(reason: "the report has ended")
        }
    }
}

extension StartContext.ReportedLimit {
    fileprivate init(_ name: String, _ limit: Limits.Limit) {
        self.init(name: name, soft: Self.number(limit.soft), hard: Self.number(limit.hard))
    }

    private static func number(_ value: UInt64) -> UInt64? { value == Limits.unlimited ? nil : value }
}
