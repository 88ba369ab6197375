// SPDX-License-Identifier: MIT

import WireProtocol

/// Streams that are in use by fronts: a front needs one for each session, and has few more.
///
/// Confined to the relay's thread.
final class StreamPlaces {
    private var counts: [StreamGroup: Int] = [:]

    /// nil if the front has enough of them.
    func take(_ group: StreamGroup, mostSessions: Int) -> StreamPlace? {
        let count = self.counts[group] ?? 0
        guard count < mostSessions + WireLimits.spareStreams else { return nil }
        self.counts[group] = count + 1
        return StreamPlace(group, self)
    }

    fileprivate func giveBack(_ group: StreamGroup) {
        guard let count = self.counts[group] else { return }
        self.counts[group] = count > 1 ? count - 1 : nil
    }

    func count(of group: StreamGroup) -> Int { self.counts[group] ?? 0 }
}

/// A place among the streams of a connection to a process; given back when it is let go of.
final class StreamPlace {
    private let group: StreamGroup
    private let places: StreamPlaces

    fileprivate init(_ group: StreamGroup, _ places: StreamPlaces) {
        self.group = group
        self.places = places
    }

    deinit { self.places.giveBack(self.group) }
}
