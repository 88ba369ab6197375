// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import WireProtocol

/// How fast connections may come that cost the core loop more than the doorkeeper's own thread; confined to that.
///
/// Streams are not paced: each needs a grant. Those without one are, and cost nobody but that thread. Root and the daemon's
/// own user never wait.
struct ArrivalPace {
    private var admin = Budget<UInt32>(WireLimits.adminArrivals)
    private var control = Budget<UInt32>(WireLimits.controlArrivals)

    private var wrongStreams = Budget<UInt32>(WireLimits.wrongStreams)

    /// Whether a stream is worth an answer whose token is not valid, as happens to the streams of a process that ends.
    mutating func answersWrongStream(of peer: PeerCredentials, at now: UInt64) -> Bool {
        peer.isRootOrDaemon || self.wrongStreams.take(by: peer.uid, at: now).isGranted
    }

    /// When a connection that arrives `now` may be handed on, both in nanoseconds of `MonotonicClock`; nil: not before it is given
    /// up, and then it is not counted.
    mutating func due(_ peer: PeerCredentials, as role: PeerRole, giveUpAt deadline: UInt64, at now: UInt64) -> UInt64?
    {
        guard !peer.isRootOrDaemon else { return now }
        let wait: Duration
        switch role {
        case .stream: return now
        case .admin: wait = self.admin.spend(by: peer.uid, at: now)
        case .control: wait = self.control.spend(by: peer.uid, at: now)
        }
        let due = now.addingReportingOverflow(UInt64(clamping: wait.wholeNanoseconds)).partialValue
        guard due < deadline else {
            if role == .admin { self.admin.giveBack(by: peer.uid) } else { self.control.giveBack(by: peer.uid) }
            return nil
        }
        return due
    }
}

extension PeerCredentials {
    /// Whether what is kept for root is for this peer, too.
    var isRootOrDaemon: Bool { self.uid == 0 || self.uid == CurrentProcess.effectiveUID }
}
