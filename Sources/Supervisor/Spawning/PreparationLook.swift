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

    /// What is said when it took too long, in the words of the step that would look at the same.
    func timeout(_ limit: Duration, appRoot: String) -> SpawnFailure.Cause {
        var timeout = StartTimeout(limit: limit, appRoot: appRoot)
        let step: Journey.Step
        switch self.place.withLock({ $0 }) {
        case .appRoot: step = .prepare
        case .environmentFile(let path):
            timeout.environmentFile = path
            step = .environmentFile
        case .interpreter(let path):
            timeout.interpreter = path
            step = .execute
        }
        var cause = timeout.cause(at: step)
        cause.step = .prepare
        return cause
    }
}
