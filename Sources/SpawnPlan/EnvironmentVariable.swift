// SPDX-License-Identifier: MIT

package import AppSettings

package typealias EnvironmentVariable = AppSettings.EnvironmentVariable

/// Keeps values of variables that look like secrets out of pages, reports and logs.
package enum SecretMask {
    package static let replacement = "********"
    private static let marks = ["KEY", "SECRET", "TOKEN", "PASS"]

    /// Whether a variable of this name probably holds a secret.
    package static func hides(_ name: String) -> Bool {
        let name = name.uppercased()
        return marks.contains { name.contains($0) }
    }

    package static func masked(_ variables: [EnvironmentVariable]) -> [EnvironmentVariable] {
        variables.map { variable in
            guard hides(variable.name), !variable.value.isEmpty else { return variable }
            return EnvironmentVariable(name: variable.name, value: replacement)
        }
    }
}
