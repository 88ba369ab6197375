// SPDX-License-Identifier: MIT

/// What of the kernel may be missing, down to Linux 5.10, and can be taken away to try what is done instead.
package enum Floor {
    /// Names separated by commas, such as "cgroups,cgroup.kill".
    package static let environmentVariable = "FLYING_PASSENGER_WITHOUT"

    private static let missing = names(in: CurrentProcess.environment(environmentVariable) ?? "")

    /// Whether the environment of this program says to do without it.
    package static func lacks(_ name: String) -> Bool { missing.contains { $0.elementsEqual(name.utf8) } }

    static func names(in text: String) -> [[UInt8]] {
        text.utf8.split(separator: UInt8(ascii: ",")).map(Array.init)
    }
}
