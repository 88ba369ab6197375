// SPDX-License-Identifier: MIT

import AppSettings
import ApplicationPool

extension PoolDriver {
    /// Requests that `body` checks out arrived before it began, so that one look per app tells all of them.
    package func arrivedTogether(_ body: () -> Void) {
        self.lookedAt = []
        body()
        self.lookedAt = nil
    }

    /// Before a request gets a process: the app may have been told to restart.
    func lookAtRestartFiles(of group: ManagedGroup, at now: Instant) {
        if self.lookedAt?.insert(group.id).inserted == false { return }
        let throttle = group.settings.statThrottleRate ?? self.pool.limits.statThrottleRate
        switch group.watch.requestArrived(throttle: throttle, at: now) {
        case .none:
            break
        case .lookHere:
            self.act(on: group.restartFiles.look(), of: group, at: now)
        case .use(let facts):
            self.act(on: facts, of: group, at: now)
        case .lookElsewhere:
            self.lookElsewhere(for: group)
        case .useAndLookElsewhere(let facts):
            self.act(on: facts, of: group, at: now)
            self.lookElsewhere(for: group)
        }
    }

    private func act(on facts: RestartFacts, of group: ManagedGroup, at now: Instant) {
        self.act(on: group.watch.decide(facts, isRestarting: self.pool.isRestarting(group.id)), of: group, at: now)
    }

    private func act(on decision: RestartPolicy.Decision, of group: ManagedGroup, at now: Instant) {
        switch decision {
        case .keep: break
        case .restartForTouch: self.restart(group, reason: "restart.txt was touched", at: now)
        case .restartForEachRequest: self.restart(group, reason: "always_restart.txt exists", at: now)
        }
    }

    private func lookElsewhere(for group: ManagedGroup) {
        let files = group.restartFiles
        let isStarted = self.fileWork.run {
            RestartFileWatch.Look(isRemote: files.areOnNetworkFileSystem(), facts: files.look())
        } completion: { [weak self, weak group] look in
            guard let self, let group else { return }
            self.act(on: group.watch.looked(look), of: group, at: self.now)
        }
        if !isStarted { group.watch.lookFailed() }
    }
}
