// SPDX-License-Identifier: MIT

import WireProtocol

/// Whoever asked for a session; called on the link's event loop.
protocol CheckoutOwner: AnyObject {
    /// The session is the owner's until it releases it, it is aborted, or its process is gone.
    func granted(_ grant: Granted)
    func refused(_ refusal: LinkRefusal)
    /// The session is over and needs no release.
    func aborted(_ session: SessionID, reason: SessionLoss)
}

/// Why a session ended without its owner.
enum SessionLoss: Hashable, Sendable {
    case byDaemon(Abort.Reason)
    /// The connection to the daemon has ended, and with it everything that was lent over it.
    case daemonLost
}

extension SessionLoss: CustomStringConvertible {
    var description: String {
        switch self {
        case .byDaemon(.maxRequestTime): "the request took longer than max_request_time, and its process was killed"
        case .byDaemon(.processDetached):
            "the process takes no more requests, and its upgraded connections are cut"
        case .daemonLost: "the connection to the daemon was lost"
        }
    }
}

/// Why a checkout got no session.
struct LinkRefusal: Error, Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// The daemon refused.
        case daemon(RefusalReason)
        /// No connection to the daemon within the time that checkouts wait for one.
        case daemonUnavailable
        /// The daemon speaks another protocol; the text names both versions.
        case versionMismatch(String)
        /// The daemon does not take the settings of this app; the text says why.
        case settingsRejected(String)
    }

    var kind: Kind
    /// 0 if there is nothing to say.
    var retryAfterSeconds: Int
    var report: SpawnReport?

    init(_ kind: Kind, retryAfterSeconds: Int = 0, report: SpawnReport? = nil) {
        self.kind = kind
        self.retryAfterSeconds = retryAfterSeconds
        self.report = report
    }
}
