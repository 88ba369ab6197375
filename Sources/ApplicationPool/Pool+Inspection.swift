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

    /// All groups in the order in which they were defined.
    package func inspect(at now: Instant) -> [GroupView] {
        self.groups.sorted { $0.id.rawValue < $1.id.rawValue }.map { group in
            let lacksRoom =
                group.processes.isEmpty && group.spawn == nil && !group.backoff.isBlockingRequests(at: now)
            return GroupView(
                group: group,
                requestsInQueue: lacksRoom ? 0 : group.queue.count,
                requestsInTopLevelQueue: lacksRoom ? group.queue.count : 0,
                waiting: group.queue.waiters.map {
                    Wait(ticket: Ticket(group: group.id, number: $0.number), since: $0.since)
                },
                failures: group.backoff.failures,
                blockedUntil: group.backoff.isBlocking(at: now) ? group.backoff.blockedUntil : nil
            )
        }
    }

    package var sessionCount: Int { self.sessions.count }

    /// The restart generation that a spawn of this group belongs to now.
    package func generation(of group: Group.ID) -> UInt32? {
        self.indices[group].map { self.groups[$0].generation }
    }

    package func group(of process: Process.ID) -> Group.ID? { self.groupOfProcess[process] }
}
