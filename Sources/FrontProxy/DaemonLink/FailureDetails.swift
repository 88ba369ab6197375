// SPDX-License-Identifier: MIT

import NIOCore
import WireProtocol

/// Everything that is known about one failed start, with the pages that were made of it.
///
/// An application that fails is asked for again and again: its pages are rendered once for each form.
final class FailureDetails {
    private struct Key: Hashable {
        var format: PageFormat
        var status: Int
    }

    let report: FailureReport
    private var rendered: [Key: ByteBuffer] = [:]

    init(_ report: FailureReport) { self.report = report }

    func page(as format: PageFormat, status: Int, by pages: Pages) -> ByteBuffer {
        let key = Key(format: format, status: status)
        if let page = self.rendered[key] { return page }
        var page = ByteBuffer()
        pages.render(self.report, status: status, as: format, into: &page)
        self.rendered[key] = page
        return page
    }
}

/// The details that were asked for last; the one used least recently makes room.
struct RecentDetails {
    /// With the pages of each, a few megabytes per event loop at most.
    static let capacity = 16

    /// The one used last at the end.
    private var entries: [(query: ReportQuery, details: FailureDetails)] = []

    var count: Int { self.entries.count }

    mutating func find(_ query: ReportQuery) -> FailureDetails? {
        guard let index = self.entries.firstIndex(where: { $0.query == query }) else { return nil }
        let entry = self.entries.remove(at: index)
        self.entries.append(entry)
        return entry.details
    }

    mutating func insert(_ details: FailureDetails, for query: ReportQuery) {
        self.entries.removeAll { $0.query == query }
        if self.entries.count == Self.capacity { self.entries.removeFirst() }
        self.entries.append((query, details))
    }
}
