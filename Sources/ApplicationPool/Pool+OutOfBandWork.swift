// SPDX-License-Identifier: MIT

// Out-of-band work: what an app wants to do outside of requests. Its process is taken out of service for it: at most one of
// each group at a time, and only while another one is there to serve; where there is none, one is started.
extension Pool {
    /// A process says that it has done its out-of-band work.
    ///
    /// nil: it was not told to, or it is on its way out.
    package mutating func outOfBandWorkDone(by id: Process.ID, at now: Instant) -> Orders? {
        guard let index = self.groupOfProcess[id].flatMap({ self.indices[$0] }),
            let position = self.groups[index].processes.firstIndex(where: { $0.id == id })
        else { return nil }
        var orders = Orders()
        switch self.groups[index].processes[position].outOfBandWork {
        case .none, .requested:
            return nil
        // It was told something else.
        case .overdue where self.groups[index].processes[position].isReforking: return nil
        case .underWay where self.groups[index].processes[position].isReforking: return nil
        case .overdue:
            self.groups[index].processes[position].outOfBandWork = .none
        case .underWay:
            self.returnToService(position, of: index, at: now, orders: &orders)
        }
        return orders
    }

    mutating func returnToService(_ position: Int, of index: Int, at now: Instant, orders: inout Orders) {
        self.groups[index].processes[position].enable(.none)
        // Whoever has a lease of another process would not come to this one.
        self.recallAll(of: index, at: now, orders: &orders)
        self.becameFree(position, of: index, at: now, orders: &orders)
    }

    /// An answer of a process in service has asked for it.
    mutating func noteOutOfBandWork(of position: Int, in index: Int, at now: Instant) {
        let process = self.groups[index].processes[position]
        guard process.worksOutOfBand else { return }
        // A refork can wait.
        guard process.outOfBandWork == .none || (process.state == .enabled && process.hasRequestedRefork) else {
            return
        }
        self.groups[index].processes[position].task = .ofApp
        self.groups[index].processes[position].outOfBandWork = .requested(since: now)
        let group = self.groups[index].id
        if !self.groupsWithWork.contains(group) { self.groupsWithWork.append(group) }
        // Where it is the only one, another one has to come first.
        self.noteNeed(of: index)
    }

    /// Takes processes that asked for it out of service, as far as they can be spared.
    mutating func beginOutOfBandWork(at now: Instant, orders: inout Orders) {
        guard !self.groupsWithWork.isEmpty, self.phase == .running else { return }
        var places = self.outOfBandPlaces
        var unserved: [Group.ID] = []
        var served: [Group.ID] = []
        for id in self.groupsWithWork {
            guard let index = self.indices[id] else { continue }
            if places > 0, self.beginOutOfBandWork(of: index, at: now, orders: &orders) {
                places -= 1
                served.append(id)
            } else {
                unserved.append(id)
            }
        }
        // Who had a turn waits behind the others for the next one.
        self.groupsWithWork = (unserved + served).filter { id in
            self.indices[id].map { self.groups[$0].processes.contains(where: \.hasRequestedWork) } ?? false
        }
    }

    /// The last session of a process has ended that was to work after it.
    mutating func endDisabling(_ position: Int, of index: Int, at now: Instant, orders: inout Orders) {
        let process = self.groups[index].processes[position]
        guard case .disabling = process.state, process.sessions == 0 else { return }
        self.tellToWork(position, of: index, at: now, orders: &orders)
    }

    /// With no enabled process left, one that is still about to be disabled serves on; its work is done later.
    mutating func keepOneEnabled(in index: Int) {
        guard self.groups[index].enabled.isEmpty,
            let position = self.groups[index].processes.firstIndex(where: \.isDisabling)
        else { return }
        let work = self.groups[index].processes[position].outOfBandWork
        self.groups[index].processes[position].enable(work)
    }

    /// A process that is to be replaced does not do its work before.
    mutating func cancelDisabling(_ position: Int, of index: Int) {
        guard self.groups[index].processes[position].isDisabling else { return }
        self.groups[index].processes[position].enable(.none)
    }

    /// No process came up to serve while the only one works: the app may ask again.
    mutating func standInFailed(of index: Int) {
        guard self.groups[index].lacksStandIn else { return }
        self.groups[index].processes[0].outOfBandWork = .none
    }

    /// A session may last for ever now, so its process has nothing to wait for.
    mutating func forgetOutOfBandWork(ofUpgraded session: Session, at now: Instant, orders: inout Orders) {
        guard let index = self.indices[session.group],
            let position = self.groups[index].processes.firstIndex(where: { $0.id == session.process }),
            self.groups[index].processes[position].isDisabling
        else { return }
        self.groups[index].processes[position].enable(.none)
        self.serveWaiters(of: index, at: now, orders: &orders)
        self.fillCapacity(at: now, orders: &orders)
        // Idle processes are looked at again.
        self.wake(at: now)
    }

    /// Enables processes again whose sessions did not end in time; of those that did not answer, the ones that take one
    /// request at a time are replaced, because they can do nothing before they are done.
    mutating func endOverdueOutOfBandWork(of index: Int, at now: Instant, orders: inout Orders) {
        for process in self.groups[index].processes {
            guard let deadline = process.outOfBandDeadline, deadline <= now,
                let position = self.groups[index].processes.firstIndex(where: { $0.id == process.id })
            else { continue }
            if process.isDisabling {
                self.groups[index].processes[position].enable(.none)
                continue
            }
            let isReplaced = process.concurrency == 1 && process.task == .ofApp
            orders.processes.append(.outOfBandWorkOverdue(process.id, isReplaced: isReplaced))
            if isReplaced {
                self.detach(position, of: index, at: now, orders: &orders)
            } else {
                self.groups[index].processes[position].enable(.overdue)
                self.recallAll(of: index, at: now, orders: &orders)
            }
        }
    }

    /// Whether a process of the group could do its work now; for the invariants.
    func mayWork(_ group: Group) -> Bool {
        guard self.phase == .running, self.outOfBandPlaces > 0, !group.hasOutOfBandWork,
            let position = group.nextToWork
        else { return false }
        return !self.hasUpgraded(group.processes[position])
    }

    /// Processes that may be taken out of service for it now, over all groups.
    private var outOfBandPlaces: Int {
        guard self.limits.outOfBandLimit > 0 else { return .max }
        let taken = self.groups.reduce(0) { $0 + $1.processes.count { $0.state != .enabled } }
        return self.limits.outOfBandLimit - taken
    }

    /// Whether one of the group's is taken out of service now: the one that has waited longest.
    private mutating func beginOutOfBandWork(of index: Int, at now: Instant, orders: inout Orders) -> Bool {
        guard self.groups[index].processes.allSatisfy({ $0.state == .enabled }) else { return false }
        self.forgetWorkBesideUpgraded(of: index)
        guard let position = self.groups[index].nextToWork else { return false }
        let process = self.groups[index].processes[position]
        guard process.sessions > 0 else {
            self.tellToWork(position, of: index, at: now, orders: &orders)
            return true
        }
        let until = now.advanced(by: self.limits.outOfBandTimeout)
        self.groups[index].processes[position].state = .disabling(until: until)
        self.wake(at: until)
        self.recallAll(of: index, on: process.id, at: now, orders: &orders)
        // Those who wait have one process less.
        self.noteNeed(of: index)
        return true
    }

    private mutating func tellToWork(_ position: Int, of index: Int, at now: Instant, orders: inout Orders) {
        let until = now.advanced(by: self.limits.outOfBandTimeout)
        self.groups[index].processes[position].state = .disabled
        self.groups[index].processes[position].outOfBandWork = .underWay(until: until)
        self.wake(at: until)
        let process = self.groups[index].processes[position]
        switch process.task {
        case .ofApp: orders.processes.append(.beginOutOfBandWork(process.id))
        case .refork:
            self.groups[index].refork.began(from: process.id)
            orders.processes.append(.beginRefork(process.id))
        }
        self.noteNeed(of: index)
    }

    private mutating func forgetWorkBesideUpgraded(of index: Int) {
        for (position, process) in self.groups[index].processes.enumerated()
        where process.hasRequestedWork && self.hasUpgraded(process) {
            self.groups[index].processes[position].outOfBandWork = .none
        }
    }

    func hasUpgraded(_ process: Process) -> Bool {
        process.sessions > 0
            && self.sessions.values.contains { $0.process == process.id && $0.clock == .upgraded }
    }
}

extension Group {
    /// Its only process has out-of-band work to do and cannot be spared.
    var lacksStandIn: Bool {
        self.processes.count == 1 && self.processes[0].hasRequestedWork && self.processes[0].task == .ofApp
    }

    /// A process is taken out of service for it, or is about to be.
    var hasOutOfBandWork: Bool { self.processes.contains { $0.state != .enabled } }

    /// The process that asked first, of those that another one can serve for.
    fileprivate var nextToWork: Int? {
        var next: (position: Int, since: Instant)?
        for (position, process) in self.processes.enumerated() {
            guard case .requested(let since) = process.outOfBandWork, since < next?.since ?? .distantFuture else {
                continue
            }
            guard self.enabled.contains(where: { $0.id != process.id && !self.isUsedUp($0) }) else { continue }
            next = (position, since)
        }
        return next?.position
    }
}

extension Process {
    var isDisabling: Bool {
        if case .disabling = self.state { true } else { false }
    }

    var hasRequestedWork: Bool {
        if case .requested = self.outOfBandWork { true } else { false }
    }

    var hasRequestedRefork: Bool { self.task == .refork && self.hasRequestedWork }

    /// When its sessions must have ended, or it must have answered.
    var outOfBandDeadline: Instant? {
        if case .disabling(let until) = self.state { return until }
        guard case .underWay(let until) = self.outOfBandWork else { return nil }
        return until
    }

    /// It takes sessions again, whatever has become of its work.
    fileprivate mutating func enable(_ work: OutOfBandWork) {
        self.state = .enabled
        self.outOfBandWork = work
        if work == .none { self.task = .ofApp }
    }
}
