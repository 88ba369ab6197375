// SPDX-License-Identifier: MIT

import CFlyingPassenger

/// What of the kernel may be missing, down to Linux 5.10, and can be taken away to try what is done instead.
package enum Floor {
    /// Names separated by commas, such as "cgroups,cgroup.kill".
    package static let environmentVariable = "FLYING_PASSENGER_WITHOUT"

    /// Whether the environment of this program says to do without it.
    package static func lacks(_ name: String) -> Bool { fp_is_without(name) }

    static func lists(_ name: String, in names: String) -> Bool { fp_is_listed(names, name) }
}
