// SPDX-License-Identifier: MIT

package import ApplicationPool
package import LinuxSystem
package import Logging
package import WireProtocol

/// What a front asks of the pool for one request.
package struct CheckoutRequest: Sendable {
    /// Unique among the open requests of its client.
    package let id: RequestID
    package let key: GroupKey
    /// The process that served this visitor before; 0 = none.
    package let stickyID: UInt32
    /// How long the request may wait for a process; nil = as long as the app's settings allow.
    package let deadline: Duration?
    /// For status only; never interpreted.
    package let method: String
    package let path: String
    /// Empty if the front does not say it.
    package let host: String

    package init(
        id: RequestID,
        key: GroupKey,
        stickyID: UInt32 = 0,
        deadline: Duration? = nil,
        method: String = "",
        path: String = "",
        host: String = ""
    ) {
        self.id = id
        self.key = key
        self.stickyID = stickyID
        self.deadline = deadline
        self.method = method
        self.path = path
        self.host = host
    }
}

/// The right to use one process once.
package struct PoolGrant: Sendable, Equatable {
    package let session: SessionID
    package let process: ProcessID
    package let label: ProcessLabel
    /// Names the process to later requests of the same visitor; never 0.
    package let stickyID: UInt32
    package let queueTime: Duration
    /// Requests that it may carry, one after the other, without asking.
    package let uses: UInt32
    /// Sessions that the process takes at a time; 0 = no limit.
    package let concurrency: UInt32
    package let transport: AppTransportKind
    package let address: AppAddress
}

/// A process as log lines name it.
package struct ProcessLabel: Hashable, Sendable {
    package let app: String
    package let pid: Int32
}

/// Why a request gets no process.
package struct PoolRefusal: Sendable, Equatable {
    package let reason: RefusalReason
    /// Whole seconds for `Retry-After`; 0 = no advice.
    package let retryAfterSeconds: UInt32
    /// Of the spawn that failed, when one did.
    package let report: SpawnReport?

    package init(reason: RefusalReason, retryAfterSeconds: UInt32 = 0, report: SpawnReport? = nil) {
        self.reason = reason
        self.retryAfterSeconds = retryAfterSeconds
        self.report = report
    }
}

/// Where a process listens.
package enum AppAddress: Hashable, Sendable {
    case unix(path: String)
    /// Of a program without a loader, which took the port as the user `owner`: another one may hold it by the next connection.
    case tcp(host: String, port: UInt16, owner: UInt32)
}

/// One connection of a front, as the pool sees it.
///
/// Called on the core loop, possibly from within ``PoolDriver/checkout(_:for:)``; it may call the pool again from
/// inside.
package protocol CheckoutClient: AnyObject {
    /// As whom it keeps sessions for its next requests; nil: it does not.
    var leaseHolder: LeaseHolder? { get }
    /// How the log names it.
    var logFacts: Logger.Metadata { get }
    func granted(_ id: RequestID, _ grant: PoolGrant)
    func refused(_ id: RequestID, _ refusal: PoolRefusal)
    /// The session is over by the pool's decision: the front must give the stream up.
    func sessionAborted(_ session: SessionID, reason: Abort.Reason)
    /// The session may be needed: it is to be given back after the request that it carries, at once if there is none.
    func recalled(_ session: SessionID)
}

/// Learns what happens to processes, whoever holds sessions of them.
///
/// Called on the core loop.
package protocol ProcessObserver: AnyObject {
    /// The process has ended; `status` is nil when the kernel did not tell.
    func processGone(_ process: ProcessID, status: ExitStatus?)
    /// The process takes no new sessions; those it has may go on for `deadline`.
    func processDraining(_ process: ProcessID, deadline: Duration)
}
