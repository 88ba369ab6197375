// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import NIOCore
import ShownText
import SpawnPlan
import WireProtocol

/// A start that failed, or a process that ended by itself, as the core loop learns of it.
struct FailureIncident: Sendable {
    var failure: SpawnFailure
    let groupName: String
    let settings: AppSettings
    /// Microseconds since 1970.
    let time: Int64
    /// Whether there is to be a details file.
    let isFiled: Bool

    init(_ failure: SpawnFailure, key: GroupKey, settings: AppSettings, time: Int64 = WallClock.microseconds) {
        self.failure = failure
        self.groupName = key.description
        self.settings = settings
        self.time = time
        // Asked for again with every request, such failures would drive those of others out.
        self.isFiled = failure.category != .noApplication
    }
}

/// What was made of an incident.
struct FiledFailure: Sendable {
    /// For refusals, status and log.
    struct Brief: Sendable {
        let errorID: String
        let category: SpawnFailure.Category
        let kind: SpawnFailure.Kind
        let step: String
        /// One line, secrets masked.
        let summary: String
        let firstRemedy: Remedy?
        let userName: String?
        let userReason: String?
        /// Of what the process printed; empty if it printed nothing, or reported an exception.
        let lastLine: String
    }

    let brief: Brief
    /// A `FailureReport` for fronts; nil if it could not be made small enough.
    let json: ByteBuffer?
    /// Path of the details file; nil if there is none.
    let file: String?
    /// Why there is none although there should be one.
    let fileProblem: String?
}
