// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import Synchronization

/// Which links that are not followed the log has named, each document root by itself: one user's links hide none of another's.
///
/// Shared by all event loops.
final class LinkNotes: Sendable {
    enum Verdict: Equatable {
        case log
        /// It is the last one of its document root for now.
        case logAsLast
        case keepQuiet
    }

    private struct Links {
        var since: NIODeadline
        var named: Set<ExactText> = []
    }

    /// Named of one document root; beyond, links that somebody makes one after the other would fill memory and log.
    static let maxLinks = 20
    /// After which all may be named anew.
    private static let memory = TimeAmount.hours(1)

    /// By document root, which the configuration names.
    private let links = Mutex<[ExactText: Links]>([:])

    /// Of a link below a document root, or on the way to it.
    func line(about link: String, below root: String, at now: NIODeadline) -> Verdict {
        let (link, root) = (ExactText(link), ExactText(root))
        return links.withLock { all in
            var links = all[root] ?? Links(since: now)
            if now - links.since >= Self.memory { links = Links(since: now) }
            guard links.named.count < Self.maxLinks, links.named.insert(link).inserted else { return .keepQuiet }
            all[root] = links
            return links.named.count == Self.maxLinks ? .logAsLast : .log
        }
    }
}
