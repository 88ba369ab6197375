// SPDX-License-Identifier: MIT

/// The body of one request on its way in: collected before an app is asked, or passed on as it comes.
///
///     none ─began─▶ collecting ─last byte─▶ storing ─stored─▶ complete
///       └───began─▶ streaming ──last byte─────────────────────▶ complete
///     every state ─dropped─▶ dropped
package struct IntakeMachine: Equatable, Sendable {
    package enum Mode: Equatable, Sendable {
        case collect, stream
    }

    package enum State: Equatable, Sendable {
        /// There is no body, or nobody has asked for it yet. Left by `began`, `dropped`.
        case none
        /// Left by `received`, `dropped`.
        case collecting(received: Int)
        /// All of it is here, and is being written. Left by `stored`, `dropped`.
        case storing
        /// Left by `received`, `dropped`.
        case streaming(received: Int)
        /// Left by `dropped`.
        case complete
        /// Answered without it: the rest is read and forgotten.
        case dropped
    }

    package private(set) var state = State.none
    /// Bytes; 0: none.
    private let limit: Int

    package init(limit: Int) { self.limit = limit }

    package func isTooLarge(_ count: Int) -> Bool { limit > 0 && count > limit }

    package mutating func began(_ mode: Mode) {
        guard state == .none else { return }
        state = mode == .collect ? .collecting(received: 0) : .streaming(received: 0)
    }

    package enum ReceiveAction: Equatable {
        case store
        /// Store these; nothing follows them.
        case storeLast
        case pass
        case passLast
        case refuse
        case ignored
    }

    /// More of the body came from the client; its last bytes if `isLast`.
    package mutating func received(_ count: Int, isLast: Bool) -> ReceiveAction {
        switch state {
        case .collecting(let before):
            if isTooLarge(before + count) { return refuse() }
            state = isLast ? .storing : .collecting(received: before + count)
            return isLast ? .storeLast : .store
        case .streaming(let before):
            if isTooLarge(before + count) { return refuse() }
            state = isLast ? .complete : .streaming(received: before + count)
            return isLast ? .passLast : .pass
        case .none, .storing, .complete, .dropped: return .ignored
        }
    }

    private mutating func refuse() -> ReceiveAction {
        state = .dropped
        return .refuse
    }

    /// What was collected can be read; true if somebody still wants it.
    package mutating func stored() -> Bool {
        guard state == .storing else { return false }
        state = .complete
        return true
    }

    package mutating func dropped() { state = .dropped }
}
