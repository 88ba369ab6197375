// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization

/// Which app a process is of that the daemon did not start itself, for as long as anybody can tell.
///
/// Each app process leads a session (setsid(2)) of its own: what it leaves behind is in that one, or, if it has begun
/// another one as daemons do, still runs as the same user.
package final class AppSessions: Sendable {
    /// Sessions that are remembered, also after their leader has ended; far more than run at a time.
    private static let kept = 4096

    private struct Leader {
        let app: String
        let uid: UInt32
    }

    private struct State {
        var leaders: [Int32: Leader] = [:]
        /// The oldest first; a number that comes again is in it twice.
        var order: [Int32] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// A process leads a session from now on; its number may have been another one's before.
    func began(_ pid: Int32, app: String, uid: UInt32) {
        self.state.withLock { state in
            state.leaders[pid] = Leader(app: app, uid: uid)
            state.order.append(pid)
            guard state.order.count > Self.kept else { return }
            let oldest = state.order.removeFirst()
            if !state.order.contains(oldest) { state.leaders[oldest] = nil }
        }
    }

    /// nil: its session is not one of an app's, and several apps run as its user, or none.
    func app(inSession session: Int32, of uid: UInt32) -> String? {
        self.state.withLock { state in
            if let leader = state.leaders[session] { return leader.app }
            let apps = state.leaders.values.filter { $0.uid == uid }
            guard let first = apps.first, apps.allSatisfy({ $0.app.utf8.elementsEqual(first.app.utf8) }) else {
                return nil
            }
            return first.app
        }
    }
}
