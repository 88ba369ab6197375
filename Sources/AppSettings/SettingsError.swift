// SPDX-License-Identifier: MIT

/// Why a setting cannot be accepted.
package struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    package let setting: String
    package let value: String
    /// Completes "…: "; for example `is not a number`.
    package let reason: String

    package init(setting: String, value: String, reason: String) {
        self.setting = setting
        self.value = value
        self.reason = reason
    }

    package var description: String {
        // Values of variables may be secrets and go to logs of several programs.
        let shown = setting == SettingName.environmentVariable ? String(value.prefix { $0 != "=" }) : value
        return "setting \(setting) \"\(shown)\": \(reason)"
    }
}

/// Why a text is no value of the wanted kind; the caller adds the name of the setting.
package struct ValueError: Error, Sendable, Hashable, CustomStringConvertible {
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }

    package var description: String { reason }
}
