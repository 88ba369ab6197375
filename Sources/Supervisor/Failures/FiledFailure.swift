// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import NIOCore
import SpawnPlan
import WireProtocol

/// What a group keeps of a failure: for refusals and status.
struct FiledFailure: Sendable {
    let id: ErrorID
    let category: SpawnFailure.Category
    let kind: SpawnFailure.Kind
    /// One line, secrets masked.
    let summary: String
    let at: FailureTime
    /// A `FailureReport` in JSON, for fronts; nil until it is made, if it could not be made small enough, and when many others
    /// were made since.
    var details: ByteBuffer?
    /// Path of the details file; nil if there is none.
    var file: String?

    /// Nothing is filed yet; of which kind it is must be known.
    init(_ failure: SpawnFailure, _ kind: SpawnFailure.Kind, at time: FailureTime) {
        self.id = failure.context.id
        self.category = failure.category
        self.kind = kind
        self.summary = FailureReport.summary(of: failure)
        self.at = time
    }
}

/// When a failure was met.
struct FailureTime: Sendable {
    /// On the pool's clock.
    let instant: Instant
    /// Since 1970.
    let microseconds: Int64

    init(_ now: Instant, microseconds: Int64 = WallClock.microseconds) {
        self.instant = now
        self.microseconds = microseconds
    }
}
