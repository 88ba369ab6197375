// SPDX-License-Identifier: MIT

import SpawnPlan
import Synchronization

/// What a preparation looks at, for whoever loses patience with it.
///
/// From any thread.
final class PreparationLook: Sendable {
    enum Place: Hashable, Sendable {
        case appRoot
        case environmentFile(String)
        case interpreter(String)
    }

    private let place = Mutex(Place.appRoot)

    func moved(to place: Place) { self.place.withLock { $0 = place } }

    /// What is said when it took too long, and the step whose words fit it.
    func timeout(_ limit: Duration, appRoot: String) -> (timeout: StartTimeout, step: Journey.Step) {
        var timeout = StartTimeout(limit: limit, appRoot: appRoot)
        switch self.place.withLock({ $0 }) {
        case .appRoot: return (timeout, .prepare)
        case .environmentFile(let path):
            timeout.environmentFile = path
            return (timeout, .environmentFile)
        case .interpreter(let path):
            timeout.interpreter = path
            return (timeout, .execute)
        }
    }
}
