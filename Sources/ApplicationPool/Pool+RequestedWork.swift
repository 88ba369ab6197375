// SPDX-License-Identifier: MIT

/// What becomes of an administrator's wish that a process does its out-of-band work.
package enum WorkRequestAction: Equatable, Sendable {
    /// It is kept until the process can be spared, as if the app had asked; or the process is at work already.
    case requested(Orders)
    case refused(WorkRefusal)
}

/// Why a process will not do out-of-band work, however long one waits.
package enum WorkRefusal: Equatable, Sendable {
    /// The pool has no such process.
    case unknownProcess
    /// It takes no requests any more.
    case leaving
    /// It has no channel by which it could be told.
    case cannotBeTold
    /// It is the only one that its group may have, and somebody has to serve meanwhile.
    case alone
    /// It was told before, did not answer in time, and has not answered yet.
    case overdue
    /// It is taken out of service to become the next preloader.
    case reforking
    /// One of its connections speaks another protocol and may last for ever.
    case upgraded
}

extension Pool {
    /// An administrator wants a process to do its out-of-band work.
    ///
    /// What may come true later, such as room in a full pool, is waited for.
    package mutating func outOfBandWorkRequested(of id: Process.ID, at now: Instant) -> WorkRequestAction {
        guard let index = self.groupOfProcess[id].flatMap({ self.indices[$0] }) else {
            return .refused(.unknownProcess)
        }
        guard let position = self.groups[index].processes.firstIndex(where: { $0.id == id }) else {
            return .refused(.leaving)
        }
        if let refusal = self.refusalToWork(position, of: self.groups[index]) { return .refused(refusal) }
        self.noteOutOfBandWork(of: position, in: index, at: now)
        var orders = Orders()
        self.fillCapacity(at: now, orders: &orders)
        return .requested(orders)
    }

    private func refusalToWork(_ position: Int, of group: Group) -> WorkRefusal? {
        let process = group.processes[position]
        guard process.worksOutOfBand else { return .cannotBeTold }
        switch process.outOfBandWork {
        case .overdue: return .overdue
        case .underWay, .requested:
            if process.task == .refork, process.state != .enabled { return .reforking }
        case .none: break
        }
        // Where it is at work already there is nothing to wait for.
        guard process.state != .disabled else { return nil }
        if self.hasUpgraded(process) { return .upgraded }
        let share = group.tenant == nil ? self.limits.maxPoolSize : self.limits.tenantShare
        return group.processes.count == 1 && min(self.maxInstances(of: group), share) < 2 ? .alone : nil
    }
}
