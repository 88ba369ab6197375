// SPDX-License-Identifier: MIT

import FrontConfiguration
import NIOCore
import WireProtocol

// Answers to requests that got no session. What a page needs may be with the daemon or on a disk: nobody else waits
// for it, and a client that leaves meanwhile is forgotten.
extension AppExchange {
    func answer(_ refusal: LinkRefusal) {
        let error = RequestError(.refused(refusal))
        guard let app = self.request?.app, let report = refusal.report, report.hasDetails else {
            return self.answerWithoutDetails(error)
        }
        let serial = self.serial
        self.loop.link.details(of: report.errorID, app: app) { details in
            guard self.isWaiting(serial) else { return }
            guard let details else { return self.answerWithoutDetails(error) }
            self.failClient(error, page: .friendly(details))
        }
    }

    private func answerWithoutDetails(_ error: RequestError) {
        guard error.isFailedStart, let path = self.request?.route.customErrorPage, self.client?.welcomesHTML == true
        else { return self.failClient(error) }
        let serial = self.serial
        let page = self.loop.customPages.page(at: path, on: self.loop.eventLoop)
        page.assumeIsolated().whenSuccess { page in
            guard self.isWaiting(serial) else { return }
            self.failClient(error, page: page.map { .custom($0) } ?? .short)
        }
    }

    /// Whether the request is still without an answer, and its client there.
    private func isWaiting(_ serial: Int) -> Bool {
        serial == self.serial && self.request != nil && self.client != nil
    }
}
