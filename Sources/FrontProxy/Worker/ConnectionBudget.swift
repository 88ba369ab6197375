// SPDX-License-Identifier: MIT

/// How many client connections a worker has and may have.
struct ConnectionBudget {
    private(set) var open = 0
    /// Of these, the ones that the acceptor keeps.
    private(set) var idle = 0
    private var isClosed = false
    private var limit: Int

    /// nil: as many as the system lets it have.
    init(limit: Int?) {
        self.limit = limit ?? .max
    }

    var hasRoom: Bool { open < limit }

    /// Counts a connection that is about to be accepted; false if it would be one too many.
    mutating func begin() -> Bool {
        guard hasRoom else { return false }
        open += 1
        return true
    }

    /// Counts the end of one; true if that makes the room that was missing.
    mutating func ended() -> Bool {
        let wasFull = !hasRoom
        open -= 1
        return wasFull && hasRoom
    }

    /// Counts one that the acceptor is about to keep; false if the acceptor has ended.
    mutating func idleBegan() -> Bool {
        guard !isClosed else { return false }
        idle += 1
        return true
    }

    mutating func idleEnded() { idle -= 1 }

    /// The acceptor wants to end: true if it keeps no connection, and then it is given none any more.
    mutating func close() -> Bool {
        if idle == 0 { isClosed = true }
        return isClosed
    }

    /// From now on there is no limit.
    mutating func lift() { limit = .max }
}
