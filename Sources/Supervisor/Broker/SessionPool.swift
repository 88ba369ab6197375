// SPDX-License-Identifier: MIT

package import AppSettings
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
    func release(_ session: SessionID, outcome: ReleaseOutcome)
    func upgraded(_ session: SessionID)
    /// Nobody waits for the answer: the session goes on until it is released, or until the app has had its time.
    func abandoned(_ session: SessionID)
    /// Nobody can connect to the process: it is of no more use.
    func connectFailed(_ process: ProcessID, reason: String)
    /// The details of the group's last failure as JSON, if that is the one and they may be shown.
    func failureReport(_ errorID: String, of key: GroupKey) -> ByteBuffer?
    /// How long a request that nobody waits for may go on in this process.
    func drainLimit(of process: ProcessID) -> Duration
}
