// SPDX-License-Identifier: MIT

/// One start of a process, numbered by the pool.
package struct Spawn: Sendable {
    package struct ID: Hashable, Sendable {
        package let rawValue: UInt64
        init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// How long a start holds one of the few slots: enough for most to be over, so that the processors are shared by a
    /// few at a time.
    ///
    /// One that takes longer is waiting for something, or hangs: it costs the processors little, and must not hold
    /// up the first start of another app until its `start_timeout`.
    static let slotTime = Duration.seconds(5)
    /// From then on a first start may be given up for another app; many honest apps take long to load.
    static let patience = Duration.seconds(20)

    let group: Group.ID
    let began: Instant

    func holdsSlot(at now: Instant) -> Bool { now.since(self.began) < Self.slotTime }

    /// When a decision about it may change by time alone.
    func nextMark(after now: Instant) -> Instant? {
        [Self.slotTime, Self.patience].map { self.began.advanced(by: $0) }.first { $0 > now }
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
    /// The session may be needed: its front gives it back after the request that it carries, at once if there is none.
    case recall(Session.ID)
    /// It was asked back long ago: the connection gets no session any more that it may keep.
    case withhold(Session.ID, from: LeaseHolder)
    /// The app has had its time for an answer that nobody waits for; `process` is replaced if it takes one at a time.
    case gaveUp(Session.ID, on: Process.ID)
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
    /// Tell it to do its out-of-band work; it has no session.
    case beginOutOfBandWork(Process.ID)
    /// Have it fork what the next processes are forked from; it has no session. `reforkForked` and `reforkEnded` follow.
    case beginRefork(Process.ID)
    /// It has not answered in time: it serves again as it is, or is replaced if it takes one request at a time.
    case outOfBandWorkOverdue(Process.ID, isReplaced: Bool)
}

package enum SpawnOrder: Equatable, Sendable {
    case start(Spawn.ID, for: Group.ID)
    /// Nobody wants it any more.
    case cancel(Spawn.ID)
    /// It takes long, and an app without any process needs its room; those who wait for it go on waiting.
    case giveUp(Spawn.ID)
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
