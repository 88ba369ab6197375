// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import WireProtocol

/// What users of the admin socket may cost together, root and the daemon's own user apart; confined to the core loop.
struct AdminBudgets {
    private var frames = Budget<UInt32>(WireLimits.adminFrames)
    private var unread = Budget<UInt32>(
        .init(total: WireLimits.unreadAnswers, each: WireLimits.unreadAnswersPerUID)
    )

    /// How long one more frame has to wait, because its user, or everybody, asks so often.
    mutating func wait(of peer: PeerCredentials, at now: UInt64) -> Duration {
        peer.isRootOrDaemon ? .zero : self.frames.spend(by: peer.uid, at: now)
    }

    /// Whether so many bytes more may wait for a user to read them.
    mutating func mayWrite(_ bytes: Int, to peer: PeerCredentials) -> Bool {
        peer.isRootOrDaemon || self.unread.take(bytes, by: peer.uid).isGranted
    }

    mutating func written(_ bytes: Int, to peer: PeerCredentials) {
        if !peer.isRootOrDaemon { self.unread.giveBack(bytes, by: peer.uid) }
    }

    var reports: [BudgetReport] {
        [
            BudgetReport(name: "frames of tools", refused: self.frames.refusals),
            BudgetReport(
                name: "unread answers, bytes",
                used: self.unread.used,
                limit: WireLimits.unreadAnswers,
                refused: self.unread.refusals
            ),
        ]
    }
}
