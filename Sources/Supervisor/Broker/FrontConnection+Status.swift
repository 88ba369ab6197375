// SPDX-License-Identifier: MIT

import LinuxSystem
import WireProtocol

extension FrontConnection {
    func isWaiting(for token: WorkerToken) -> Bool {
        guard case .waitingForManifest = self.phase else { return false }
        return self.hello.workerToken == token
    }

    var report: ConnectionReport {
        let hasAuthority = self.session.mayManifest || self.countsAsWorker
        return ConnectionReport(
            front: self.hello.frontName,
            pid: self.peer.pid,
            uid: self.peer.uid,
            authority: hasAuthority ? "full" : "owner",
            sessions: self.session.heldSessions,
            waitingCheckouts: self.session.waitingCheckouts
        )
    }
}
