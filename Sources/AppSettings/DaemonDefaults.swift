// SPDX-License-Identifier: MIT

/// Options of the daemon that others than it reckon with.
package enum DaemonDefaults {
    /// Processes of all applications together (`--max-pool-size`).
    package static let maxPoolSize = 6
}
