// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging

/// What a core leaves behind about the groups that it worked on.
extension Watchdog {
    /// What the next core notes its work on, and finds there whom it must leave alone.
    func makeBoard() throws(SystemError) -> Descriptor {
        let board = try WorkBoard.make()
        WorkBoard.held = self.quarantine.inForce(at: MonotonicClock.now).map { term in
            WorkBoard.Held(text: term.group.bytes, until: term.until, crashes: term.crashes)
        }
        return board
    }

    /// Whom the core let go of, and who ended it, if that was a fault of its own.
    ///
    /// A core that was killed, or that ended itself with a reason in the log, says nothing about anybody.
    func judge(_ status: ExitStatus) {
        let now = MonotonicClock.now
        for held in WorkBoard.held where held.isLifted { self.quarantine.lifted(GroupMark(bytes: held.text), at: now) }
        guard status.isFault, let text = WorkBoard.culprit() else { return }
        let group = GroupMark(bytes: text)
        let facts: Logger.Metadata = [LogKeys.group: "\(group.shortName)", LogKeys.status: "\(status)"]
        switch self.quarantine.coreEnded(by: group, at: now) {
        case .watch:
            self.logger.error(
                "the core ended while it worked on this app; the second time within 10 minutes brings it into quarantine",
                metadata: facts
            )
        case .quarantine(let length):
            self.logger.error(
                "the core ended again while it worked on this app, which is put into quarantine",
                metadata: facts.merging([LogKeys.limit: "\(length)"]) { $1 }
            )
        case .ignored(let reason): self.ignored("coreEnded", reason)
        }
    }
}

extension ExitStatus {
    /// The program was ended by what it did itself.
    var isFault: Bool {
        guard case .signaled(let number, _) = self else { return false }
        let faults: [Signal] = [.illegalInstruction, .trap, .segmentationFault, .busError, .abort]
        return faults.contains(Signal(rawValue: number))
    }
}
