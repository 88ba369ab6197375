// SPDX-License-Identifier: MIT

import WireProtocol

/// Sessions whose front is gone: each ends when the app has finished with it, not when the front died.
///
/// Sessions and streams of a front and a process are not tied to each other one by one; a process cannot be busy with
/// more requests of that front than it has open streams.
struct LostFronts {
    private var sessions: [StreamGroup: [SessionID]] = [:]

    var isEmpty: Bool { self.sessions.isEmpty }
    var sessionCount: Int { self.sessions.values.reduce(0) { $0 + $1.count } }

    mutating func frontLost(_ group: StreamGroup, sessions: [SessionID]) {
        self.sessions[group, default: []] += sessions
    }

    /// So many streams are still being drained: returns the sessions that are over.
    mutating func streamsLeft(_ count: Int, of group: StreamGroup) -> [SessionID] {
        guard var held = self.sessions[group], held.count > count else { return [] }
        let over = Array(held[count...])
        held.removeSubrange(count...)
        self.sessions[group] = held.isEmpty ? nil : held
        return over
    }

    /// The pool ended it.
    mutating func sessionAborted(_ session: SessionID) {
        for (group, held) in self.sessions where held.contains(session) {
            let rest = held.filter { $0 != session }
            self.sessions[group] = rest.isEmpty ? nil : rest
        }
    }

    /// The pool knows that the sessions of a process end with it.
    mutating func processGone(_ process: ProcessID) {
        self.sessions = self.sessions.filter { $0.key.process != process }
    }
}
