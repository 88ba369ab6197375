// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import NIOPosix
import WireProtocol

/// Answers the requests of administration tools.
///
/// Confined to the core loop, which only says what there is: /proc is read and JSON is made on threads. Root and the
/// daemon's user have one of their own, so that nobody else's questions keep them waiting.
package final class AdminService {
    /// Where reports are made.
    struct Threads: Sendable {
        let root: NIOThreadPool
        let others: NIOThreadPool
    }

    /// An answer to a user that serves for a moment to all who ask for the same.
    private struct Made {
        let json: EventLoopFuture<ByteBuffer>
        let number: UInt64
    }

    /// So long a report for a user that is neither root nor the daemon's is not made again.
    static let reportLife = TimeAmount.milliseconds(200)
    static let tooMuchUnread = ByteBuffer(
        bytes: AdminAnswer(
            error: AdminError(kind: .failed, message: "Too many answers to your user are not read; try again.")
        ).json()
    )

    let complaints: Complaints
    private let eventLoop: any EventLoop
    private let pool: PoolDriver
    private let daemon: DaemonFacts
    private let threads: Threads
    private let measurements = Measurements()
    private let memory: MemorySampler
    private let daemonUID: UInt32
    private var budgets = AdminBudgets()
    /// Reports for users that are neither root nor the daemon's, for as long as they serve.
    private var made: [UInt32: Made] = [:]
    private var lastMade: UInt64 = 0
    /// The fronts and what is shared among them, asked for with each status.
    private let fronts: () -> FrontsInspection
    private let declared: () -> DeclaredApps

    init(
        pool: PoolDriver,
        daemon: DaemonFacts,
        threads: Threads,
        complaints: Complaints = Complaints(),
        daemonUID: UInt32 = CurrentProcess.effectiveUID,
        fronts: @escaping () -> FrontsInspection,
        declared: @escaping () -> DeclaredApps = { DeclaredApps() }
    ) {
        self.eventLoop = pool.eventLoop
        self.pool = pool
        self.daemon = daemon
        self.threads = threads
        self.complaints = complaints
        self.memory = MemorySampler(eventLoop: pool.eventLoop)
        self.daemonUID = daemonUID
        self.fronts = fronts
        self.declared = declared
    }

    // MARK: Shares

    /// How long a frame of the peer has to wait, because its user, or everybody, asks so often.
    func wait(of peer: PeerCredentials) -> TimeAmount {
        .nanoseconds(self.budgets.wait(of: peer, at: self.eventLoop.now.uptimeNanoseconds).wholeNanoseconds)
    }

    /// Whether so many bytes more may wait for a peer's user to read them; `written` takes them back.
    func mayWrite(_ bytes: Int, to peer: PeerCredentials) -> Bool { self.budgets.mayWrite(bytes, to: peer) }

    func written(_ bytes: Int, to peer: PeerCredentials) { self.budgets.written(bytes, to: peer) }

    // MARK: Answers

    /// The answer to one request as JSON; never fails, because a refusal is an answer, too.
    func answer(_ order: AdminOrder, for peer: PeerCredentials) -> EventLoopFuture<ByteBuffer> {
        switch order {
        case .status: self.statusJSON(AdminRights(peerUID: peer.uid, daemonUID: self.daemonUID))
        case .liftQuarantine(let group): self.atOnce(self.liftQuarantine(of: group, for: peer))
        case .requestOutOfBandWork(let pid): self.atOnce(self.requestOutOfBandWork(of: pid, for: peer))
        case .apps(let count): self.appsJSON(after: count, for: peer)
        case .nothing: self.atOnce(AdminAnswer(done: true))
        case .refuse(let error): self.atOnce(AdminAnswer(error: error))
        }
    }

    private func atOnce(_ answer: AdminAnswer) -> EventLoopFuture<ByteBuffer> {
        self.eventLoop.makeSucceededFuture(ByteBuffer(bytes: answer.json()))
    }

    /// Settings of all users, which are nobody else's business.
    private func appsJSON(after count: Int, for peer: PeerCredentials) -> EventLoopFuture<ByteBuffer> {
        guard AdminRights(peerUID: peer.uid, daemonUID: self.daemonUID) == .everything else {
            let message = "Only root and the daemon's user may see what fronts have declared."
            return self.atOnce(AdminAnswer(error: AdminError(kind: .notPermitted, message: message)))
        }
        let declared = self.declared()
        return self.threads.root.runIfActive(eventLoop: self.eventLoop) {
            Self.bounded(AdminAnswer(apps: AppsReport(declared, after: count)).json())
        }
        .flatMapErrorThrowing { _ in Self.ending }
    }

    /// Not for the app's own user: it is there for the sake of the others.
    private func liftQuarantine(of group: String, for peer: PeerCredentials) -> AdminAnswer {
        guard AdminRights(peerUID: peer.uid, daemonUID: self.daemonUID) == .everything else {
            let message = "Only root and the daemon's user may lift a quarantine."
            return AdminAnswer(error: AdminError(kind: .notPermitted, message: message))
        }
        guard self.pool.liftQuarantine(named: group) > 0 else {
            let message = "No application of that name is in quarantine."
            return AdminAnswer(error: AdminError(kind: .failed, message: message))
        }
        return AdminAnswer(done: true)
    }

    /// Who may not control the process is told what they would be told if there were none.
    private func requestOutOfBandWork(of pid: Int32, for peer: PeerCredentials) -> AdminAnswer {
        let rights = AdminRights(peerUID: peer.uid, daemonUID: self.daemonUID)
        let refusal = self.pool.requestOutOfBandWork(of: pid, for: peer.uid) { rights.mayControl($0, runningAs: $1) }
        return refusal.map { AdminAnswer(error: AdminError($0, pid: pid)) } ?? AdminAnswer(done: true)
    }

    private func statusJSON(_ rights: AdminRights) -> EventLoopFuture<ByteBuffer> {
        guard case .ownGroups(let uid) = rights else { return self.makeStatus(rights) }
        if let made = self.made[uid] { return made.json }
        self.lastMade += 1
        let number = self.lastMade
        let json = self.makeStatus(rights)
        self.made[uid] = Made(json: json, number: number)
        self.eventLoop.assumeIsolated().scheduleTask(in: Self.reportLife) {
            if self.made[uid]?.number == number { self.made[uid] = nil }
        }
        return json
    }

    private func makeStatus(_ rights: AdminRights) -> EventLoopFuture<ByteBuffer> {
        let inspection = PoolInspection(self.pool, for: rights)
        let fronts = rights == .everything ? self.frontsAndTools() : FrontsInspection()
        let (daemon, measurements, memory) = (self.daemon, self.measurements, self.memory)
        let threads = rights == .everything ? self.threads.root : self.threads.others
        if memory.count > self.pool.processCount + 64 { self.forgetProcesses() }
        let json = self.eventLoop.makePromise(of: ByteBuffer.self)
        memory.refresh(inspection.memorySubjects).assumeIsolated().whenComplete { _ in
            let subjects = inspection.measured { memory.reading(of: $0) }
            threads.runIfActive(eventLoop: self.eventLoop) {
                let report = StatusReport(
                    inspection,
                    daemon: daemon,
                    measurements: measurements.read(subjects),
                    fronts: fronts,
                    time: WallClock.microseconds
                )
                return Self.bounded(AdminAnswer(status: report).json())
            }
            // Fails when the threads have stopped: the daemon is about to end.
            .flatMapErrorThrowing { _ in Self.ending }
            .cascade(to: json)
        }
        return json.futureResult
    }

    private static let ending = ByteBuffer(
        bytes: AdminAnswer(error: AdminError(kind: .failed, message: "The daemon is about to end.")).json()
    )

    /// A frame has a limit; what the pool says of itself keeps to it, but for names that are mostly escapes.
    private static func bounded(_ json: [UInt8]) -> ByteBuffer {
        guard json.count > Int(WireLimits.adminResponseFrame) - 64 else { return ByteBuffer(bytes: json) }
        return ByteBuffer(
            bytes: AdminAnswer(error: AdminError(kind: .failed, message: "The answer is too large.")).json()
        )
    }

    private func frontsAndTools() -> FrontsInspection {
        var fronts = self.fronts()
        fronts.budgets += self.budgets.reports
        return fronts
    }

    private func forgetProcesses() {
        self.memory.keep { self.pool.address(of: $0) != nil }
        self.measurements.keep(only: self.pool.pids)
    }
}
