// SPDX-License-Identifier: MIT

import WireProtocol

/// Which manifests a master stands for: that of its newest worker, and those of workers that still drain.
///
/// Generations only grow, and the newest worker's is always the highest, also towards a daemon that knows a higher one
/// from an earlier master, or none because it was restarted.
struct ManifestLedger {
    struct Entry: Equatable {
        var generation: UInt64
        var content: ManifestLink.Content
        /// The worker has ended; as the newest manifest it still says what the configuration is.
        var isOver = false
    }

    /// The newest first.
    private(set) var entries: [Entry] = []
    private var highest: UInt64 = 0

    /// A new worker: the others drain from now on.
    mutating func announce(_ content: ManifestLink.Content) {
        highest += 1
        entries.removeAll { $0.isOver || $0.content.workerToken == content.workerToken }
        entries.insert(Entry(generation: highest, content: content), at: 0)
    }

    /// The daemon told the highest generation that it knows of this front.
    mutating func connected(highestKnown: UInt64) {
        guard !entries.isEmpty else {
            highest = max(highest, highestKnown)
            return
        }
        highest = max(highest, highestKnown) + 1
        entries[0].generation = highest
    }

    mutating func forget(_ token: WorkerToken) {
        guard let index = entries.firstIndex(where: { $0.content.workerToken == token }) else { return }
        if index == 0 { entries[0].isOver = true } else { entries.remove(at: index) }
    }
}
