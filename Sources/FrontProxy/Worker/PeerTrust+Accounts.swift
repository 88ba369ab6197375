// SPDX-License-Identifier: MIT

import AppSettings
import AppTransport
import FrontConfiguration
import LinuxSystem
import Logging

extension PeerTrust {
    /// Looks up the accounts that the configuration names; may wait for the account database.
    ///
    /// An account that cannot be looked up is not trusted; one of an app that cannot be looked up changes nothing, since the
    /// daemon will not start that app either.
    init(model: FrontModel, logger: Logger) {
        func uids(_ names: some Sequence<String>) -> [UInt32] {
            names.compactMap { name in
                do throws(SystemError) {
                    return try Accounts.user(named: name)?.uid
                } catch {
                    logger.warning(
                        "account of a trusted proxy not found out: its word about requests does not count",
                        metadata: [LogKeys.user: "\(name)", LogKeys.error: "\(error)"]
                    )
                    return nil
                }
            }
        }
        self.init(
            ownUID: CurrentProcess.effectiveUID,
            accounts: uids(model.trustedUsers ?? PeerTrust.defaultUsers),
            apps: uids(Set(model.apps.compactMap { $0.settings[SettingName.user] }))
        )
    }
}
