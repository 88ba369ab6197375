// SPDX-License-Identifier: MIT

package enum ExitAction: Equatable, Sendable {
    /// Nobody had asked it to end.
    case crashed(afterLiving: Duration, sessions: [Session.ID], Orders)
    /// It was on its way out; it may still have had sessions.
    case ended(sessions: [Session.ID], Orders)
    case ignored(reason: String)
}

extension Pool {
    /// Time between the end of the time for graceful things and SIGKILL when there is no reason for patience.
    static let hurry = Duration.seconds(5)

    /// What a process that was told to stop has for it, however short its `shutdown_timeout` is.
    static let shortestExitTime = Duration.seconds(2)

    /// An operator wants the process to go.
    ///
    /// nil: it is not in service, or not any more.
    package mutating func detachRequested(_ id: Process.ID, at now: Instant) -> Orders? {
        guard let index = self.groupOfProcess[id].flatMap({ self.indices[$0] }),
            let process = self.groups[index].processes.firstIndex(where: { $0.id == id })
        else { return nil }
        var orders = Orders()
        self.detach(process, of: index, at: now, orders: &orders)
        self.serveWaiters(of: index, at: now, orders: &orders)
        self.recallForWaiters(of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
        return orders
    }

    /// Nobody can connect to the process.
    ///
    /// That is as good as its end, which often follows: a young one that has served nobody holds the next spawn back.
    /// nil: it is not in service, or not any more.
    package mutating func processUnreachable(_ id: Process.ID, at now: Instant) -> Orders? {
        guard let index = self.groupOfProcess[id].flatMap({ self.indices[$0] }),
            let position = self.groups[index].processes.firstIndex(where: { $0.id == id })
        else { return nil }
        let process = self.groups[index].processes[position]
        var orders = Orders()
        self.detach(position, of: index, at: now, orders: &orders)
        // One of the sessions is that which could not connect.
        let hadRequests = process.processed > 0 || process.sessions > 1
        self.groups[index].processDied(process, hadRequests: hadRequests, at: now)
        self.processCrashed(in: index, at: now, orders: &orders)
        return orders
    }

    /// The kernel says that a process has ended.
    package mutating func processExited(_ id: Process.ID, at now: Instant) -> ExitAction {
        guard let index = self.groupOfProcess.removeValue(forKey: id).flatMap({ self.indices[$0] }) else {
            return .ignored(reason: "unknown process")
        }
        var orders = Orders()
        if let position = self.groups[index].processes.firstIndex(where: { $0.id == id }) {
            let process = self.groups[index].processes.remove(at: position)
            self.freeRoom(of: id, in: index)
            let sessions = self.dropSessions(of: process)
            let life = now.since(process.spawnedAt)
            let hadRequests = process.processed > 0 || process.sessions > 0
            self.groups[index].processDied(process, hadRequests: hadRequests, at: now)
            self.processCrashed(in: index, at: now, orders: &orders)
            return .crashed(afterLiving: life, sessions: sessions, orders)
        }
        guard let position = self.groups[index].detached.firstIndex(where: { $0.id == id }) else {
            return .ignored(reason: "unknown process")
        }
        let sessions = self.dropSessions(of: self.groups[index].detached.remove(at: position))
        self.tidyUp(index, orders: &orders)
        return .ended(sessions: sessions, orders)
    }

    /// Takes a process out of service; it ends when its sessions have, or when their time is over.
    ///
    /// Its room is free at once. The caller gives the waiters other processes and fills the room.
    mutating func detach(
        _ position: Int,
        of index: Int,
        limit: Duration? = nil,
        thenKill: Bool = false,
        at now: Instant,
        orders: inout Orders
    ) {
        var process = self.groups[index].processes.remove(at: position)
        self.freeRoom(of: process.id, in: index)
        self.recallAll(of: index, on: process.id, at: now, orders: &orders)
        let limit = self.drainLimit(limit ?? self.groups[index].limits.shutdownTimeout, at: now)
        let until = now.advanced(by: limit)
        process.state = .draining(until: until, thenKill: thenKill)
        process.outOfBandWork = .none
        process.task = .ofApp
        self.wake(at: until)
        self.groups[index].detached.append(process)
        orders.processes.append(.announceDraining(process.id, limit: limit))
        let last = self.groups[index].detached.count - 1
        self.abortUpgradedSessions(of: last, in: index, orders: &orders)
        self.stopIfDrained(last, of: index, at: now, orders: &orders)
        self.keepOneEnabled(in: index)
        self.noteNeed(of: index)
    }

    /// Tells a detached process to end, once nothing runs on it.
    mutating func stopIfDrained(_ position: Int, of index: Int, at now: Instant, orders: inout Orders) {
        let process = self.groups[index].detached[position]
        guard case .draining = process.state, process.isIdle else { return }
        self.stop(position, of: index, at: now, orders: &orders)
    }

    /// Tells a detached process to end, whatever runs on it.
    mutating func stop(_ position: Int, of index: Int, at now: Instant, orders: inout Orders) {
        let patience = max(Self.shortestExitTime, self.groups[index].limits.shutdownTimeout)
        var killAt = now.advanced(by: min(self.limits.exitTimeout, patience))
        if case .shuttingDown(let deadline) = self.phase {
            killAt = min(killAt, max(now, deadline).advanced(by: Self.hurry))
        }
        self.groups[index].detached[position].state = .stopping(killAt: killAt)
        self.wake(at: killAt)
        orders.processes.append(.stop(self.groups[index].detached[position].id))
        self.killSurplus(of: index, orders: &orders)
    }

    /// Kills the process that was told to end first when too many have not ended yet.
    ///
    /// Their room is others' by then: an app that restarts again and again must not have ever more of them. Those of two
    /// deployments, one right after the other, have their time.
    private mutating func killSurplus(of index: Int, orders: inout Orders) {
        guard self.phase == .running else { return }
        let group = self.groups[index]
        let most = min(self.maxInstances(of: group), self.limits.maxPoolSize)
        var first: (position: Int, killAt: Instant)?
        var count = 0
        for (position, process) in group.detached.enumerated() {
            guard case .stopping(let killAt) = process.state else { continue }
            count += 1
            if killAt < first?.killAt ?? .distantFuture { first = (position, killAt) }
        }
        if let first, (count - 1) / 2 >= most { self.kill(first.position, of: index, orders: &orders) }
    }

    mutating func kill(_ position: Int, of index: Int, orders: inout Orders) {
        self.groups[index].detached[position].state = .killed
        orders.processes.append(.kill(self.groups[index].detached[position].id))
    }

    /// Upgraded sessions may last for ever: they end with their process's service, unless the app's settings say no.
    mutating func abortUpgradedSessions(of position: Int, in index: Int, orders: inout Orders) {
        guard self.groups[index].limits.abortsUpgradedSessions else { return }
        let process = self.groups[index].detached[position]
        guard process.sessions > 0 else { return }
        let upgraded = self.sessions.lazy.filter { $0.value.process == process.id && $0.value.clock == .upgraded }
        for id in Array(upgraded.map(\.key)) {
            _ = self.removeSession(id)
            self.groups[index].detached[position].sessions -= 1
            self.groups[index].detached[position].processed += 1
            orders.requests.append(.abort(id, .processDetached))
        }
    }

    /// Forgets a retired group, and notes the end of a shutdown, once nothing is left.
    mutating func tidyUp(_ index: Int, orders: inout Orders) {
        if self.groups[index].standing == .retired, self.groups[index].isEmpty { self.forget(index, orders: &orders) }
        self.noteDrained(orders: &orders)
    }

    private mutating func forget(_ index: Int, orders: inout Orders) {
        let id = self.groups[index].id
        self.groups.swapAt(index, self.groups.count - 1)
        self.groups.removeLast()
        self.indices[id] = nil
        if index < self.groups.count { self.indices[self.groups[index].id] = index }
        orders.notices.append(.groupGone(id))
    }

    private mutating func processCrashed(in index: Int, at now: Instant, orders: inout Orders) {
        self.keepOneEnabled(in: index)
        self.wakeAfterBackoff(of: index, at: now)
        if let until = self.groups[index].refusing(at: now) {
            self.refuseAllWaiters(of: index, .backingOff(until: until), orders: &orders)
        }
        // Those who insisted on this process can go to another one now.
        self.serveWaiters(of: index, at: now, orders: &orders)
        self.recallForWaiters(of: index, at: now, orders: &orders)
        self.noteNeed(of: index)
        self.fillCapacity(at: now, orders: &orders)
        self.tidyUp(index, orders: &orders)
    }

    private mutating func dropSessions(of process: Process) -> [Session.ID] {
        guard process.sessions > 0 else { return [] }
        let ids = self.sessions.filter { $0.value.process == process.id }.map(\.key)
        for id in ids { _ = self.removeSession(id) }
        return ids
    }

    /// Nobody may take longer than the shutdown of everything.
    private func drainLimit(_ limit: Duration, at now: Instant) -> Duration {
        guard case .shuttingDown(let deadline) = self.phase else { return limit }
        return min(limit, deadline.since(now))
    }
}

extension Group {
    /// A process ended by itself: what that means for the next start.
    fileprivate mutating func processDied(_ process: Process, hadRequests: Bool, at now: Instant) {
        let life = now.since(process.spawnedAt)
        self.backoff.processDied(afterLiving: life, hadRequests: hadRequests, at: now)
        guard hadRequests else { return }
        self.restartPace.processDied(afterLiving: life, served: process.processed, at: now)
    }
}
