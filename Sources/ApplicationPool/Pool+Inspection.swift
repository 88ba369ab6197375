// SPDX-License-Identifier: MIT

extension Pool {
    /// A group with what the tools show of it.
    package struct GroupView: Sendable {
        package let group: Group
        /// Requests that wait for a process of a group that has one, or gets one.
        package let requestsInQueue: Int
        /// Requests that wait because there is no room for a first process.
        package let requestsInTopLevelQueue: Int
        package let waiting: [Wait]
        /// Failed spawns and early deaths in a row.
        package let failures: Int
        /// No spawn begins before.
        package let blockedUntil: Instant?
        /// Its processes end young: no spawn begins before.
        package let pacedUntil: Instant?
        /// Sessions that fronts may use without asking, of each process that has some.
        package let leased: [Process.ID: Int]
        package let leaseCounts: LeaseCounts

        /// The group was told to restart, and no process of the new generation is there yet.
        package var isRestarting: Bool {
            self.group.generation > 0 && self.group.processes.isEmpty
                && (self.group.spawn != nil || self.requestsInTopLevelQueue > 0)
        }
    }

    package struct Wait: Sendable {
        package let ticket: Ticket
        package let since: Instant
    }

    /// Groups in the order in which they were defined, those only that `isMeant`.
    package func inspect(at now: Instant, where isMeant: (Group.ID) -> Bool = { _ in true }) -> [GroupView] {
        self.groups.filter { isMeant($0.id) }.sorted { $0.id.rawValue < $1.id.rawValue }.map { group in
            let lacksRoom = group.lacksRoom(at: now)
            return GroupView(
                group: group,
                requestsInQueue: lacksRoom ? 0 : group.queue.count,
                requestsInTopLevelQueue: lacksRoom ? group.queue.count : 0,
                waiting: group.queue.waiters.map {
                    Wait(ticket: Ticket(group: group.id, number: $0.number), since: $0.since)
                },
                failures: group.backoff.failures,
                blockedUntil: group.backoff.isBlocking(at: now) ? group.backoff.blockedUntil : nil,
                pacedUntil: group.restartPace.end(after: now),
                leased: Dictionary(grouping: group.leases.held, by: \.process).mapValues(\.count),
                leaseCounts: group.leases.counts
            )
        }
    }

    /// Requests of all groups that wait because there is no room for a first process.
    package func requestsInTopLevelQueue(at now: Instant) -> Int {
        self.groups.reduce(0) { $0 + ($1.lacksRoom(at: now) ? $1.queue.count : 0) }
    }

    /// No start of the group before, because its processes end young; nil: none is held back for that.
    package func pacedUntil(of id: Group.ID, at now: Instant) -> Instant? {
        self.indices[id].flatMap { self.groups[$0].restartPace.end(after: now) }
    }

    package var sessionCount: Int { self.sessions.count }

    /// The restart generation that a spawn of this group belongs to now.
    package func generation(of group: Group.ID) -> UInt32? {
        self.indices[group].map { self.groups[$0].generation }
    }

    package func group(of process: Process.ID) -> Group.ID? { self.groupOfProcess[process] }
}

extension Group {
    /// What keeps it from a first process is that there is no room for one.
    fileprivate func lacksRoom(at now: Instant) -> Bool {
        self.processes.isEmpty && self.spawn == nil && !self.backoff.isBlockingRequests(at: now)
            && self.restartPace.end(after: now) == nil
    }
}
