// SPDX-License-Identifier: MIT

/// Questions for the details of failures: each is asked once at a time, few are open together.
///
///     askReport ──▶ open ──Report──▶ (answered)
///         └─ others are open ▶ waiting ──a Report arrives──▶ open
///
/// All are forgotten with their connection: an app number means nothing to the next one.
struct ReportQueries: Hashable, Sendable {
    private(set) var open: Set<ReportQuery> = []
    private(set) var waiting: [ReportQuery] = []

    func contains(_ query: ReportQuery) -> Bool { self.open.contains(query) || self.waiting.contains(query) }

    /// Whether it is to be written now.
    mutating func add(_ query: ReportQuery) -> Bool {
        guard self.open.count < WireLimits.openReportQueries else {
            self.waiting.append(query)
            return false
        }
        self.open.insert(query)
        return true
    }

    /// Whether it was open.
    mutating func answered(_ query: ReportQuery) -> Bool { self.open.remove(query) != nil }

    /// What is to be written in the place of one that was answered.
    mutating func next() -> ReportQuery? {
        guard !self.waiting.isEmpty else { return nil }
        let next = self.waiting.removeFirst()
        self.open.insert(next)
        return next
    }
}

extension FrontSession {
    package enum ReportAction: Hashable, Sendable {
        /// Write it; the answer comes as `Action.report`.
        case send(ReportQuery)
        /// It is asked already, or its turn comes; the answer comes as `Action.report`.
        case wait
        /// There will be no answer: why.
        case unavailable(reason: String)
    }

    /// Asks for the details of a failure that a refusal named on this connection.
    ///
    /// The answer is lost if the connection ends before it comes.
    package mutating func askReport(_ errorID: String, of app: AppNumber) -> ReportAction {
        guard case .open(_, let features) = self.state else { return .unavailable(reason: "no connection") }
        guard features & WireFeature.failureReports != 0 else {
            return .unavailable(reason: "the daemon does not tell details of failures")
        }
        guard self.defined.contains(app) else {
            return .unavailable(reason: "the daemon was not told of the app on this connection")
        }
        let query = ReportQuery(app: app, errorID: errorID)
        guard !self.reports.contains(query) else { return .wait }
        guard self.reports.waiting.count < WireLimits.waitingReportQueries else {
            return .unavailable(reason: "too many details are asked for at once")
        }
        return self.reports.add(query) ? .send(query) : .wait
    }

    mutating func reported(_ report: Report) -> Action {
        guard self.reports.answered(ReportQuery(app: report.app, errorID: report.errorID)) else {
            return .violation(reason: "a report that was not asked for")
        }
        return .report(report, next: self.reports.next())
    }
}
