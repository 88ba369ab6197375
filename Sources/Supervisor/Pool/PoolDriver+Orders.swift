// SPDX-License-Identifier: MIT

import ApplicationPool
import Logging

extension PoolDriver {
    /// Carries out orders, one event's after the other's.
    ///
    /// Clients and observers may cause events while they are told of one: what follows from those waits for its turn.
    func carryOut(_ orders: Orders) {
        defer { self.armTimer() }
        guard !orders.isEmpty else { return }
        guard !self.isCarryingOut else {
            self.pendingOrders.append(orders)
            return
        }
        self.isCarryingOut = true
        self.carryOutNow(orders)
        while !self.pendingOrders.isEmpty { self.carryOutNow(self.pendingOrders.removeFirst()) }
        self.isCarryingOut = false
    }

    func armTimer() {
        guard let deadline = self.pool.nextDeadline, self.timer.isTooLate(for: deadline) else { return }
        self.timer.arm(for: deadline, on: self.eventLoop) { [weak self] in self?.timeReached() }
    }

    /// An event that cannot happen, or an answer to it that cannot be: a fault in this program.
    func logImpossible(_ event: String, _ reason: String) {
        self.impossibleEvents += 1
        self.logger.error(
            "event ignored",
            metadata: [LogKeys.event: "\(event)", LogKeys.reason: "\(reason)"]
        )
    }

    func metadata(of group: ManagedGroup, _ more: Logger.Metadata = [:]) -> Logger.Metadata {
        var facts = more
        facts[LogKeys.group] = "\(group.key)"
        return facts
    }

    func metadata(of process: RunningProcess, _ exit: ProcessExit? = nil) -> Logger.Metadata {
        var facts = self.metadata(of: process.group, [LogKeys.pid: "\(process.spawned.pid)"])
        if let status = exit?.status { facts[LogKeys.status] = "\(status)" }
        return facts
    }

    private func carryOutNow(_ orders: Orders) {
        let now = self.now
        for order in orders.requests { self.carryOut(order, at: now) }
        for order in orders.processes { self.carryOut(order) }
        for order in orders.spawns { self.carryOut(order, at: now) }
        for notice in orders.notices { self.carryOut(notice) }
    }

    private func carryOut(_ notice: PoolNotice) {
        switch notice {
        case .groupGone(let id):
            // Another one of the same name may be there already.
            if let gone = self.groupsByID.removeValue(forKey: id), self.groups[gone.key] == nil {
                self.subjects.groupGone(gone.mark)
            }
        case .drained:
            let completions = self.whenDrained
            self.whenDrained = []
            for completion in completions { self.spawner.whenEnded(completion) }
        }
    }

    private func timeReached() {
        self.timer.fired()
        self.carryOut(self.pool.timeReached(self.now))
    }
}
