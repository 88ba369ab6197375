// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Resource limits (getrlimit(2)).
package enum Limits {
    package enum Resource: String, Sendable, CaseIterable {
        case openFiles = "nofile"
        case processes = "nproc"
        case coreSize = "core"
        case addressSpace = "as"
        case fileSize = "fsize"
        case cpuTime = "cpu"
        case stack = "stack"

        var number: Int32 { fp_resource_number(rawValue) }
    }

    package struct Limit: Hashable, Sendable {
        /// What counts.
        package let soft: UInt64
        /// How far it may be raised.
        package let hard: UInt64

        package init(soft: UInt64, hard: UInt64) {
            self.soft = soft
            self.hard = hard
        }
    }

    /// The value that means no limit.
    package static let unlimited = UInt64.max

    package static func current(_ resource: Resource) -> Limit {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        // Cannot fail for a resource that exists.
        _ = fp_get_limit(resource.number, &soft, &hard)
        return Limit(soft: soft, hard: hard)
    }

    package static func set(_ resource: Resource, _ limit: Limit) throws(SystemError) {
        _ = try checked("setrlimit", resource.rawValue) { fp_set_limit(resource.number, limit.soft, limit.hard) }
    }

    /// Raises what counts to what is allowed; returns what counts now.
    static func raise(_ resource: Resource) -> UInt64 {
        let limit = current(resource)
        // Allowed for everybody; should it fail, the answer says so.
        try? set(resource, Limit(soft: limit.hard, hard: limit.hard))
        return current(resource).soft
    }
}
