// SPDX-License-Identifier: MIT

import FrontConfiguration
import Logging
import NIOCore
import WireProtocol

/// Who waits for the details of a failed start, and what came lately.
struct DetailsDesk {
    typealias Completion = (FailureDetails?) -> Void

    var recent = RecentDetails()
    var waiting: [ReportQuery: [Completion]] = [:]
    var timers: [ReportQuery: Scheduled<Void>] = [:]
}

// Details of failed starts, for the friendly page. A page without them must do when they do not come in time.
extension DaemonLink {
    /// From the question to the short page.
    static let detailsLimit = TimeAmount.seconds(2)

    /// Hands over what the daemon knows about a failed start that it named in a refusal; nil if nothing comes in time.
    ///
    /// `completion` is called once, perhaps before this returns. Many requests for the same details ask once.
    func details(
        of errorID: String,
        app: FrontApp,
        completion: @escaping DetailsDesk.Completion
    ) {
        let query = ReportQuery(app: AppNumber(rawValue: UInt32(app.id)), errorID: errorID)
        if let details = self.desk.recent.find(query) { return completion(details) }
        switch self.askReport(query) {
        case .send(let query): self.send(.reportQuery(query))
        case .wait: break
        case .unavailable(let reason):
            self.note("no details of a failed start", reason)
            return completion(nil)
        }
        self.desk.waiting[query, default: []].append(completion)
        guard self.desk.waiting[query]?.count == 1 else { return }
        self.desk.timers[query] = self.eventLoop.assumeIsolated()
            .scheduleTask(in: Self.detailsLimit) { self.handOver(nil, for: query) }
    }

    func received(_ report: Report) {
        let query = ReportQuery(app: report.app, errorID: report.errorID)
        let details = FailureReport(json: report.json.readableBytesView).map(FailureDetails.init)
        if let details { self.desk.recent.insert(details, for: query) }
        self.handOver(details, for: query)
    }

    /// The connection has ended, and its answers with it.
    func detailsLost() {
        for query in Array(self.desk.waiting.keys) { self.handOver(nil, for: query) }
    }

    private func handOver(_ details: FailureDetails?, for query: ReportQuery) {
        self.desk.timers.removeValue(forKey: query)?.cancel()
        for completion in self.desk.waiting.removeValue(forKey: query) ?? [] { completion(details) }
    }
}
