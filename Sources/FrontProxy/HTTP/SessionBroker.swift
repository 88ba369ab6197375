// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import NIOCore
import WireProtocol

/// What the data path asks of the control connection to the daemon (`DaemonLink`), on its event loop.
protocol SessionBroker: AnyObject {
    /// Asks for a session; `owner` hears `granted` or `refused` exactly once, unless it cancels first.
    func checkout(
        _ app: FrontApp,
        stickyID: UInt32,
        deadline: TimeAmount?,
        method: String,
        path: String,
        host: String,
        owner: any CheckoutOwner
    ) -> RequestID
    /// The owner hears nothing more; a grant that crosses is given back by the link.
    func cancel(_ id: RequestID)
    func release(_ session: SessionID, outcome: ReleaseOutcome)
    func upgraded(_ session: SessionID)
    /// Whether the daemon ends sessions by itself whose answer nobody waits for; else these are read to their end.
    var endsAbandonedSessions: Bool { get }
    /// The stream of this session was left before the app had answered: ending the session is up to the daemon.
    ///
    /// `stream`: its number, if it was handed over.
    func abandoned(_ session: SessionID, stream: StreamNumber?)
    /// Asks the daemon why a stream ended before a byte of the answer came, while the session is still held.
    ///
    /// `completion` is called once, perhaps before this returns; without an answer in time the process counts as ended.
    func askFate(
        of stream: StreamNumber?,
        to process: ProcessID,
        completion: @escaping (ExchangeMachine.Fate) -> Void
    )
    /// Hands the details of a failed start over, once; nil if there are none in time.
    func details(of errorID: String, app: FrontApp, completion: @escaping (FailureDetails?) -> Void)
}

extension DaemonLink: SessionBroker {}
