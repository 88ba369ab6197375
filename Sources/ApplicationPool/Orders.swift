// SPDX-License-Identifier: MIT

/// One start of a process, numbered by the pool.
package struct Spawn: Sendable {
    package struct ID: Hashable, Sendable {
        package let rawValue: UInt64
        init(rawValue: UInt64) { self.rawValue = rawValue }
    }
}

/// A request that waits; the shell shows it to take the request back.
package struct Ticket: Hashable, Sendable {
    package let group: Group.ID
    package let number: UInt64
}

package enum RequestOrder: Equatable, Sendable {
    case grant(Ticket, Grant)
    case refuse(Ticket, Refusal)
    /// The pool ended a session, or it will end with its process: the front must give it up.
    case abort(Session.ID, AbortReason)
}

package enum AbortReason: Equatable, Sendable {
    case maxRequestTime
    /// The process takes no more requests, and upgraded connections are not waited for.
    case processDetached
}

package enum ProcessOrder: Equatable, Sendable {
    /// Tell all who use it that it takes no new sessions and what time the present ones have.
    case announceDraining(Process.ID, limit: Duration)
    /// Ask it to end.
    case stop(Process.ID)
    /// End it, with its whole process group.
    case kill(Process.ID)
}

package enum SpawnOrder: Equatable, Sendable {
    case start(Spawn.ID, for: Group.ID)
    case cancel(Spawn.ID)
}

package enum PoolNotice: Equatable, Sendable {
    /// The last process of a retired group has ended; the pool has forgotten the group.
    case groupGone(Group.ID)
    /// After `shutdown`: no process is left and none will come.
    case drained
}

/// What the shell has to do after an event.
///
/// Every event may free room, and any group may be waiting for room: what follows from an event is therefore of the same
/// kinds for all events. The lists are carried out in the order of the properties; most are empty.
package struct Orders: Equatable, Sendable {
    package internal(set) var requests: [RequestOrder] = []
    package internal(set) var processes: [ProcessOrder] = []
    package internal(set) var spawns: [SpawnOrder] = []
    package internal(set) var notices: [PoolNotice] = []

    package var isEmpty: Bool {
        self.requests.isEmpty && self.processes.isEmpty && self.spawns.isEmpty && self.notices.isEmpty
    }
}
