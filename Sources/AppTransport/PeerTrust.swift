// SPDX-License-Identifier: MIT

/// Whose sockets on this machine are those of trusted proxies.
///
/// Root, the front's own user and the accounts of `passenger_trusted_users`; never one that an app runs as, because
/// whoever serves requests with an app could make up their origin.
package struct PeerTrust: Sendable {
    /// `passenger_trusted_users` if the configuration does not say it; those that exist count.
    package static let defaultUsers = ["www-data", "nginx", "haproxy", "caddy", "varnish"]

    private let trusted: Set<UInt32>

    /// `accounts` are the uids of `passenger_trusted_users`, `apps` those that an app of this front is known to run as.
    package init(ownUID: UInt32, accounts: some Sequence<UInt32>, apps: some Sequence<UInt32>) {
        trusted = Set(accounts).union([ownUID]).subtracting(apps).union([0])
    }

    /// nil: nobody knows whose socket it is.
    package func trusts(_ uid: UInt32?) -> Bool { uid.map(trusted.contains) ?? false }
}
