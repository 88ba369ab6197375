// SPDX-License-Identifier: MIT

package import AppSettings
package import ApplicationPool
package import NIOCore
package import WireProtocol

/// What the broker needs of the pool, on the core loop.
package protocol SessionPool: AnyObject {
    func define(_ key: GroupKey, settings: AppSettings, authority: SettingsAuthority, preStart: Bool)
    func retire(_ key: GroupKey)
    /// A front with authority has told the group's settings once more: it is served, whatever earlier cores had of it.
    @discardableResult
    func liftQuarantine(of key: GroupKey) -> Bool
    /// Whether a group has no process, none under way, and no request that waits; also one that is not there.
    func isAtRest(_ key: GroupKey) -> Bool
    /// Requests that `body` checks out arrived before it began: one look at an app's restart files serves them all.
    func arrivedTogether(_ body: () -> Void)
    func checkout(_ request: CheckoutRequest, for client: any CheckoutClient)
    func cancel(_ id: RequestID, client: any CheckoutClient)
    /// `carried` says how often the session was used; nil: once at most.
    func release(_ session: SessionID, outcome: ReleaseOutcome, carried: Carried?)
    /// A front uses a session that it keeps for its own oldest request that waits.
    func reused(_ session: SessionID, for id: RequestID, client: any CheckoutClient)
    /// The same, but that request was answered already.
    func reuseCrossed(_ session: SessionID)
    /// The request that a kept session carries takes long.
    func lasting(_ lasting: Lasting)
    func holderGone(_ holder: LeaseHolder)
    func upgraded(_ session: SessionID)
    /// Nobody waits for the answer: the session goes on until it is released, or until the app has had its time.
    func abandoned(_ session: SessionID)
    /// Nobody can connect to the process: it is of no more use.
    func connectFailed(_ process: ProcessID, reason: String)
    /// Whether the process is past its last instruction: its streams end some time before its end is told.
    func isEnding(_ process: ProcessID) -> Bool
    /// The details of the group's last failure as JSON, if that is the one and they may be shown.
    func failureReport(_ errorID: String, of key: GroupKey) -> ByteBuffer?
    /// How long a request that nobody waits for may go on in this process.
    func drainLimit(of process: ProcessID) -> Duration
}
