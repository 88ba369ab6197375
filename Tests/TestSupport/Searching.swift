// SPDX-License-Identifier: MIT

import LinuxSystem

/// How far random walks and searches go.
package enum Searching {
    /// `make walks` takes all of them; a run of all tests has time for some.
    private static let isThorough = CurrentProcess.environment("FLYING_PASSENGER_WALKS") == "all"

    /// Seeds of a walk of which `some` are enough to meet every event.
    package static func seeds(_ some: UInt64, of all: UInt64) -> ClosedRange<UInt64> { 1...(isThorough ? all : some) }
}
