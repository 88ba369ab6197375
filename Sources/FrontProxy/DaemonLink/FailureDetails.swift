// SPDX-License-Identifier: MIT

import NIOCore
import WireProtocol

/// Everything that is known about one failed start, with the page that was made of it last.
///
/// An application that fails is asked for again and again, mostly in the same way.
final class FailureDetails {
    private struct Rendered {
        var format: PageFormat
        var status: Int
        var page: ByteBuffer
    }

    let report: FailureReport
    private var rendered: Rendered?

    init(_ report: FailureReport) { self.report = report }

    func page(as format: PageFormat, status: Int, by pages: Pages) -> ByteBuffer {
        if let rendered, rendered.format == format, rendered.status == status { return rendered.page }
        var page = ByteBuffer()
        pages.render(self.report, status: status, as: format, into: &page)
        self.rendered = Rendered(format: format, status: status, page: page)
        return page
    }
}

/// The details that were asked for last; the one used least recently makes room.
struct RecentDetails {
    /// With the page of each, some megabytes per event loop at most.
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
