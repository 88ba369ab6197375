// SPDX-License-Identifier: MIT

package import AppSettings
package import ApplicationPool
import LinuxSystem
package import Logging
package import NIOCore
package import WireProtocol

/// Runs the pool: tells it what happens and what time it is, and carries out what it orders.
///
/// Confined to the core loop.
///
/// It decides nothing about capacity, routing or restarts; that is the pool's. It owns what the pool knows by number only:
/// settings, clients, spawns under way and processes. Requests are answered from within the call that decides them.
package final class PoolDriver {
    package let eventLoop: any EventLoop
    /// Learns of processes that drain or end.
    package weak var observer: (any ProcessObserver)?

    let spawner: any Spawning
    let logger: Logger
    let fileWork: any OffLoopWork
    let failureDesk: FailureDesk
    var pool: Pool
    /// Groups that fronts can ask for.
    var groups: [GroupKey: ManagedGroup] = [:]
    /// Those and the retired ones that still have processes.
    var groupsByID: [Group.ID: ManagedGroup] = [:]
    var processes: [ProcessID: RunningProcess] = [:]
    var spawns: [Spawn.ID: SpawnUnderWay] = [:]
    /// Requests that have a ticket and no answer yet, and their tickets.
    var waiting: [Ticket: WaitingRequest] = [:]
    var tickets: [ClientRequest: Ticket] = [:]
    /// Requests that wait for a look at restart files.
    var groupsHolding: [ClientRequest: ManagedGroup] = [:]
    /// Who has to hear of it when the pool ends a session.
    var sessionHolders: [SessionID: SessionHolder] = [:]
    /// Groups whose last failure has details, the oldest first.
    var groupsWithDetails: [Group.ID] = []
    /// Groups that are left alone; each until its time is over, or somebody lifts it.
    var quarantine: [GroupMark: QuarantineTerm] = [:]
    var subjects = WorkSubjects()
    var timer = PoolTimer()
    /// Groups whose restart files were looked at for requests that arrived together; nil: each request has its own look.
    var lookedAt: Set<Group.ID>?
    /// Orders that came up while others were being carried out.
    var pendingOrders: [Orders] = []
    var isCarryingOut = false
    /// Events that cannot happen, by this program's own reckoning; 0 as long as it is right.
    package internal(set) var impossibleEvents = 0
    var whenDrained: [() -> Void] = []

    /// `fileWork` takes looks at files that may hang; nil: threads of its own.
    ///
    /// `failuresDirectory` is where details of failures go; nil: nowhere.
    package init(
        eventLoop: any EventLoop,
        limits: PoolLimits,
        spawner: any Spawning,
        fileWork: (any OffLoopWork)? = nil,
        failuresDirectory: String? = nil,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.spawner = spawner
        self.logger = logger
        let fileWork = fileWork ?? FileThreads(eventLoop: eventLoop)
        self.fileWork = fileWork
        self.failureDesk = FailureDesk(
            eventLoop: eventLoop,
            work: fileWork,
            directory: failuresDirectory,
            logger: logger
        )
        self.pool = Pool(limits: limits, sessionNumbers: SessionNumbers(seed: RandomBytes.uint64()))
    }

    var now: Instant { Instant(nanoseconds: self.eventLoop.now.uptimeNanoseconds) }

    // MARK: Groups

    /// Takes in an app's settings: a new group, a change that takes effect at once, or one that needs new processes.
    ///
    /// Settings that mean the same as those in force change nothing, so that pushing them again is harmless.
    package func define(_ key: GroupKey, settings: AppSettings, authority: SettingsAuthority, preStart: Bool) {
        let now = self.now
        guard let group = self.groups[key] else {
            self.takeIn(key, settings: settings, authority: authority, preStart: preStart, at: now)
            return
        }
        guard group.quarantine == nil else {
            group.settings = settings
            group.authority = authority
            if preStart { group.quarantine?.wantsPreStart = true }
            return
        }
        WorkBoard.run(group.work) {
            self.apply(settings, authority: authority, to: group, at: now)
            if preStart { self.carryOut(self.pool.preStartRequested(group.id, at: now)) }
        }
    }

    private func takeIn(
        _ key: GroupKey,
        settings: AppSettings,
        authority: SettingsAuthority,
        preStart: Bool,
        at now: Instant
    ) {
        let mark = GroupMark(key)
        let term = self.quarantineTerm(of: mark)
        let limits = GroupLimits(settings)
        let (id, orders) = self.pool.groupDefined(
            limits: term == nil ? limits : limits.withoutProcesses,
            tenant: key.tenant,
            preStart: preStart && term == nil,
            at: now
        )
        let group = ManagedGroup(key: key, id: id, settings: settings, authority: authority)
        group.work = self.subjects.subject(of: mark)
        self.groups[key] = group
        self.groupsByID[id] = group
        WorkBoard.run(group.work) {
            if var term {
                term.wantsPreStart = preStart
                self.enterQuarantine(group, term)
            } else {
                // The first look only remembers; it must come before the first process does.
                self.lookAtRestartFiles(of: group, at: now)
            }
            self.carryOut(orders)
        }
    }

    /// Forgets an app: nobody gets a process of it any more, those that run finish what they do.
    package func retire(_ key: GroupKey) {
        guard let group = self.groups.removeValue(forKey: key) else { return }
        // Of apps without authority there may be thousands: whoever retires them says how many they were.
        let level: Logger.Level = key.tenant == nil ? .notice : .debug
        self.logger.log(level: level, "app retired", metadata: self.metadata(of: group))
        self.allAreToEnd("no front has the app any more") { $0.group === group }
        self.spawner.appRetired(key)
        self.carryOut(self.pool.groupRetired(group.id, at: self.now))
    }

    /// Replaces all processes of a group; false when there is no such group.
    @discardableResult
    package func restart(_ key: GroupKey) -> Bool {
        guard let group = self.groups[key], group.quarantine == nil else { return false }
        self.restart(group, reason: "requested", at: self.now)
        return true
    }

    /// The daemon's limits changed.
    package func limitsChanged(_ limits: PoolLimits) {
        self.carryOut(self.pool.limitsChanged(limits, at: self.now))
    }

    func restart(_ group: ManagedGroup, reason: String, limits: GroupLimits? = nil, at now: Instant) {
        self.logger.notice("app restarts", metadata: self.metadata(of: group, [LogKeys.reason: "\(reason)"]))
        group.watch.reclassify()
        group.lastFailure = nil
        self.allAreToEnd("the app restarts: \(reason)") { $0.group === group }
        self.spawner.appRestarts(group.key)
        self.carryOut(self.pool.restartRequested(group.id, limits: limits, at: now))
    }

    private func apply(
        _ settings: AppSettings,
        authority: SettingsAuthority,
        to group: ManagedGroup,
        at now: Instant
    ) {
        let changes = settings.changes(from: group.settings)
        let isSameUser = authority == group.authority
        group.settings = settings
        group.authority = authority
        guard !changes.isEmpty || !isSameUser else { return }
        let names = (changes.live + changes.needingNewProcesses).joined(separator: " ")
        self.logger.notice("settings changed", metadata: self.metadata(of: group, [LogKeys.settings: "\(names)"]))
        guard isSameUser, changes.needingNewProcesses.isEmpty else {
            let reason = "settings need new processes: \(changes.needingNewProcesses.joined(separator: " "))"
            self.restart(group, reason: reason, limits: GroupLimits(settings), at: now)
            return
        }
        self.spawner.settingsChanged(settings, of: group.key)
        self.carryOut(self.pool.limitsChanged(GroupLimits(settings), of: group.id, at: now))
    }

    // MARK: Processes

    /// Takes a process out of service, as an operator wishes.
    ///
    /// False: it is not in service.
    @discardableResult
    package func detach(_ id: ProcessID) -> Bool {
        guard let orders = self.pool.detachRequested(Process.ID(id), at: self.now) else { return false }
        self.processes[id]?.isToEnd(ReasonToEnd(text: "it was detached by request"))
        self.carryOut(orders)
        return true
    }

    private func allAreToEnd(_ reason: String, where isMeant: (RunningProcess) -> Bool) {
        for (id, process) in self.processes where isMeant(process) {
            self.processes[id]?.isToEnd(ReasonToEnd(text: reason))
        }
    }

    /// The process in service with this PID.
    package func process(withPID pid: Int32) -> ProcessID? {
        self.processes.first { $0.value.spawned.pid == pid }?.key
    }

    /// Where a process listens; nil once it has ended.
    package func address(of process: ProcessID) -> AppAddress? { self.processes[process]?.spawned.address }

    // MARK: The end

    /// Nobody gets a process any more; sessions may go on for `limit`; `completion` when no process is left, of the spawner neither.
    package func shutdown(limit: Duration, completion: @escaping () -> Void) {
        guard self.pool.phase != .drained else { return self.spawner.whenEnded(completion) }
        self.whenDrained.append(completion)
        self.allAreToEnd("the daemon stops") { _ in true }
        self.spawner.end(atOnce: false)
        self.carryOut(self.pool.shutdown(limit: limit, at: self.now))
    }

    /// Does not wait for sessions any longer: processes are told to stop and have a few seconds for it.
    package func hurry() { self.carryOut(self.pool.hurry(at: self.now)) }

    /// Ends all processes now.
    package func killAll() {
        self.spawner.end(atOnce: true)
        self.carryOut(self.pool.killAll(at: self.now))
    }
}

extension Process.ID {
    init(_ id: ProcessID) { self.init(rawValue: id.rawValue) }
}

extension ProcessID {
    init(_ id: Process.ID) { self.init(rawValue: id.rawValue) }
}

extension SessionID {
    init(_ id: Session.ID) { self.init(rawValue: id.rawValue) }
}

extension Session.ID {
    init(_ id: SessionID) { self.init(rawValue: id.rawValue) }
}
