// SPDX-License-Identifier: MIT

package import LinuxSystem
package import NIOCore
import NIOPosix
package import WireProtocol

/// Answers the requests of administration tools.
///
/// Confined to the core loop; /proc is read on a thread.
package final class AdminService {
    private let eventLoop: any EventLoop
    private let pool: PoolDriver
    private let daemon: DaemonFacts
    private let threads: NIOThreadPool
    private let measurements = Measurements()
    private let daemonUID: UInt32
    private var rates = RequestRates()
    /// The connections of fronts, asked for with each status.
    private let connections: () -> [ConnectionReport]

    init(
        pool: PoolDriver,
        daemon: DaemonFacts,
        threads: NIOThreadPool,
        daemonUID: UInt32 = CurrentProcess.effectiveUID,
        connections: @escaping () -> [ConnectionReport]
    ) {
        self.eventLoop = pool.eventLoop
        self.pool = pool
        self.daemon = daemon
        self.threads = threads
        self.daemonUID = daemonUID
        self.connections = connections
    }

    /// How long a request of the peer has to wait, because its user asks so often.
    func wait(of peer: PeerCredentials) -> TimeAmount {
        switch AdminRights(peerUID: peer.uid, daemonUID: self.daemonUID) {
        case .everything: .zero
        case .ownGroups(let uid): self.rates.wait(of: uid, at: self.eventLoop.now)
        }
    }

    /// The answer to one request; never fails, because a refusal is an answer, too.
    package func answer(_ request: AdminRequest, from peer: PeerCredentials) -> EventLoopFuture<AdminResponse> {
        let id = request.id
        return self.answer(request.json, rights: AdminRights(peerUID: peer.uid, daemonUID: self.daemonUID))
            .map { AdminResponse(id: id, json: ByteBuffer(bytes: Self.bounded($0.json()))) }
    }

    /// A frame has a limit; thousands of queued requests may go over it.
    private static func bounded(_ json: [UInt8]) -> [UInt8] {
        guard json.count > Int(WireLimits.adminResponseFrame) - 64 else { return json }
        return AdminAnswer(error: AdminError(kind: .failed, message: "The answer is too large.")).json()
    }

    private func answer(_ json: ByteBuffer, rights: AdminRights) -> EventLoopFuture<AdminAnswer> {
        let command: AdminCommand
        do throws(AdminError) {
            command = try AdminCommand(json: json.readableBytesView)
        } catch {
            return self.eventLoop.makeSucceededFuture(AdminAnswer(error: error))
        }
        switch command {
        case .status: return self.status(rights).map { AdminAnswer(status: $0) }
        case .ping: return self.eventLoop.makeSucceededFuture(AdminAnswer(done: true))
        default:
            let error = AdminError(
                kind: .unknownCommand,
                message: "This daemon (\(Product.nameAndVersion)) does not know the command '\(command.name)'."
            )
            return self.eventLoop.makeSucceededFuture(AdminAnswer(error: error))
        }
    }

    /// The state of the daemon, as somebody with `rights` may see it.
    func status(_ rights: AdminRights) -> EventLoopFuture<StatusReport> {
        let inspection = PoolInspection(processCount: self.pool.processCount, groups: self.pool.inspect())
        let connections = self.connections()
        let (daemon, measurements) = (self.daemon, self.measurements)
        return self.threads.runIfActive(eventLoop: self.eventLoop) {
            StatusReport(
                inspection,
                daemon: daemon,
                measurements: measurements.read(inspection.processes),
                connections: connections,
                rights: rights,
                time: WallClock.microseconds
            )
        }.flatMapErrorThrowing { _ in
            // The threads have stopped: the daemon is about to end.
            StatusReport(
                inspection,
                daemon: daemon,
                measurements: [:],
                connections: connections,
                rights: rights,
                time: WallClock.microseconds
            )
        }
    }
}
