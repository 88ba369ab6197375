// SPDX-License-Identifier: MIT

import AppSettings

/// The daemon's part in one fork: from the order to the preloader to a process that is known to be what it says.
///
/// The same for a refork: there a process that serves gets the order, and what it forks is to be the next preloader.
///
///     state     line with the name, of the app   other sender   failed line   other line   channel closed,        deadline
///                                                                                          preloader ended
///     asked     → claimed: examine               → failed       → failed      → failed     → failed               → failed
///     claimed   ignored: the process waits for its answer, whatever comes now is read later
///     failed    ignored
///
/// The line comes over a channel that only the preloader was given, with the sender's PID and uid from the kernel. Everything
/// else about the process is what the kernel says of that PID (``ForkedProcess``), never what anybody of the app says.
package struct ForkDialogue: Sendable {
    /// For the time until the line comes: a fork copies page tables, on a busy machine perhaps of gigabytes.
    package static let limit = Duration.seconds(10)
    package static let maxLineBytes = 1024

    package enum State: Hashable, Sendable {
        /// Leaves by all events.
        case asked
        case claimed(pid: Int32)
        case failed
    }

    package enum Action: Hashable, Sendable {
        case none
        /// Open it, see what the kernel says of it, and ask ``problem(of:)``.
        case examine(pid: Int32)
        case failed(SpawnFailure.Cause)
    }

    package private(set) var state = State.asked
    /// Chosen by the daemon, so that a process of an earlier order is not taken for one of this.
    package let name: String
    private let role: LoaderProgram.Role
    private let uid: UInt32
    private let parent: Int32
    private var line: [UInt8] = []
    private var sender: Int32?

    /// `role` is that of the process to come; `parent` and `uid` are who is to fork it.
    package init(name: String, role: LoaderProgram.Role = .worker, uid: UInt32, parent: Int32) {
        self.name = name
        self.role = role
        self.uid = uid
        self.parent = parent
    }

    /// What is said to the process that is to fork.
    package var order: String {
        switch role {
        case .worker: "fork \(name)\n"
        case .preloader: "refork \(name)\n"
        }
    }

    /// What the forked process says.
    private var claim: String {
        switch role {
        case .worker: "worker \(name)"
        case .preloader: "preloader \(name)"
        }
    }

    private var subject: String {
        switch role {
        case .worker: "the preloader (PID \(parent))"
        case .preloader: "the process (PID \(parent))"
        }
    }

    /// `pid` and `uid` are the sender's, as the kernel says.
    package mutating func received(_ bytes: some Collection<UInt8>, pid: Int32, uid: UInt32) -> Action {
        guard state == .asked, !bytes.isEmpty else { return .none }
        guard uid == self.uid else { return fail("a process of uid \(uid) spoke for it") }
        guard sender == nil || sender == pid else { return fail("two processes spoke for it") }
        sender = pid
        line += bytes
        guard let end = line.firstIndex(of: UInt8(ascii: "\n")) else {
            return line.count <= Self.maxLineBytes ? .none : fail("what it said has no end")
        }
        let text = String(decoding: line[..<end], as: UTF8.self)
        if let reason = text.droppingPrefix("failed ") { return refused(ControlText.unescape(reason)) }
        guard end == line.count - 1, text.isExactly(claim) else {
            return fail("what came of it said \"\(text.prefix(80))\"")
        }
        state = .claimed(pid: pid)
        return .examine(pid: pid)
    }

    package mutating func channelClosed() -> Action {
        state == .asked ? fail("what it forked ended at once, or it forked nothing") : .none
    }

    package mutating func preloaderEnded() -> Action { state == .asked ? fail("it ended") : .none }

    package mutating func deadlineReached(after limit: Duration) -> Action {
        state == .asked ? fail("nothing came of it within \(limit.seconds) seconds") : .none
    }

    /// The order could not be given.
    package mutating func orderFailed(_ reason: String) -> Action {
        state == .asked ? fail("it takes no orders (\(reason))") : .none
    }

    /// Why the process that claims to be the forked one is not taken; nil: it is.
    ///
    /// A nil argument: there is no such process, it is none of the daemon's own children, or somebody has it already.
    package mutating func problem(of process: ForkedProcess?) -> SpawnFailure.Cause? {
        guard case .claimed(let pid) = state else { return nil }
        let reason: String
        if let process {
            guard let found = process.problem(uid: uid) else { return nil }
            reason = found
        } else {
            reason = "is no new child of the daemon"
        }
        state = .failed
        return cause("process \(pid), which says that it is the forked one, \(reason)")
    }

    private mutating func fail(_ reason: String) -> Action {
        state = .failed
        return .failed(cause(reason))
    }

    /// The preloader works, and tells what the kernel said.
    private mutating func refused(_ reason: String) -> Action {
        state = .failed
        let summary = "\(subject) could not fork: \(reason.prefix(200))"
        return .failed(SpawnFailure.Cause(.operatingSystem, .resources, summary, step: .fork))
    }

    private func cause(_ reason: String) -> SpawnFailure.Cause {
        let summary = "\(subject) did not fork as it should: \(reason)"
        return SpawnFailure.Cause(.app, .preloaderFailed, summary, step: .fork)
    }
}

/// What the kernel says of a process that is held by a pidfd and cannot be collected by anybody else.
package struct ForkedProcess: Hashable, Sendable {
    /// Real, effective, saved, and that of the file system.
    package var uids: [UInt32]
    /// A child of the daemon's core.
    package var isOwnChild: Bool
    /// It leads a session, and so a process group, of its own.
    package var leadsSession: Bool
    /// It is in the control group of the preloader and in none below it; nil: the preloader has none.
    package var isInGroupOfPreloader: Bool?

    package init(uids: [UInt32], isOwnChild: Bool, leadsSession: Bool, isInGroupOfPreloader: Bool?) {
        self.uids = uids
        self.isOwnChild = isOwnChild
        self.leadsSession = leadsSession
        self.isInGroupOfPreloader = isInGroupOfPreloader
    }

    /// Completes "process N …".
    func problem(uid: UInt32) -> String? {
        guard isOwnChild else { return "is not a child of the daemon" }
        guard !uids.isEmpty, uids.allSatisfy({ $0 == uid }) else { return "does not run as uid \(uid)" }
        guard isInGroupOfPreloader != false else { return "is not in the control group of the preloader" }
        guard leadsSession else { return "leads no session of its own" }
        return nil
    }
}

extension String {
    fileprivate func droppingPrefix(_ prefix: String) -> Substring? {
        utf8.starts(with: prefix.utf8) ? Substring(utf8.dropFirst(prefix.utf8.count)) : nil
    }
}
