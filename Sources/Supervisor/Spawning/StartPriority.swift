// SPDX-License-Identifier: MIT

import LinuxSystem

/// Lets what starts wait for a processor behind what serves, until it serves itself.
///
/// A start takes all of a processor for as long as it lasts; beside it, each request of another application would wait for its turn
/// at every wake-up. It gets about a tenth of a processor that others want, and all of one that nobody wants.
package struct StartPriority: Sendable {
    private static let added: Int32 = 10

    /// What a process gets that is ready; nil: it has had nothing else.
    private let niceness: Int32?
    private let setsAutogroup: Bool

    /// Nil when nothing could be taken back: a process that kept it would be slow for as long as it lives.
    package init?() {
        self.niceness = Niceness.mayBeLowered() ? Niceness.own : nil
        self.setsAutogroup = Autogroup.mayBeSet()
        guard self.niceness != nil || self.setsAutogroup else { return nil }
    }

    func apply(to plan: inout LaunchPlan) {
        plan.niceness = self.niceness.map { min(Niceness.least, $0 + Self.added) }
        plan.autogroupNiceness = self.setsAutogroup ? Self.added : nil
    }

    /// For a process that leads its group and session, and was not collected yet.
    func takeBack(from pid: Int32) {
        // It may have ended; else neither fails for somebody who could do it before.
        if let niceness = self.niceness { _ = try? ProcessGroup.setNiceness(niceness, of: pid) }
        if self.setsAutogroup { try? Autogroup.set(0, of: pid) }
    }
}
