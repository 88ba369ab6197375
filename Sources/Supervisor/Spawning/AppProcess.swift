// SPDX-License-Identifier: MIT

import SpawnPlan
import WireProtocol

/// A process as the watcher has it.
final class AppProcess: ProcessOwner {
    let id: ProcessID
    let watcher: AppWatcher

    init(id: ProcessID, watcher: AppWatcher) {
        self.id = id
        self.watcher = watcher
    }

    func terminate() { self.watcher.order(.terminate(self.id)) }
    func kill() { self.watcher.order(.kill(self.id)) }
    func beginOutOfBandWork() { self.watcher.order(.beginOutOfBandWork(self.id)) }
}

extension AppTransportKind {
    init(_ transport: LoaderProgram.Transport, readsFramedBodies: Bool) {
        self =
            switch transport {
            case .session: readsFramedBodies ? .framedSession : .session
            case .http: .http
            case .httpOneShot: .httpOneShot
            }
    }
}
