// SPDX-License-Identifier: MIT

package import AppSettings

/// One app as the configuration declares it: what the daemon is told.
package struct FrontApp: Sendable, Hashable {
    /// Index among the configuration's apps.
    package let id: Int
    package let groupName: String
    /// Pushed settings only, as they were written.
    package let settings: SettingsList

    package init(id: Int, groupName: String, settings: SettingsList) {
        self.id = id
        self.groupName = groupName
        self.settings = settings
    }
}
