// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore

/// Which warnings of starts were given: each is given once an hour, and no group silences another one.
struct SpawnWarnings {
    static let maxPerGroup = 32
    private static let maxGroups = 10_000
    private static let memory = TimeAmount.hours(1)

    private struct Given {
        let since: NIODeadline
        /// Hash values: the texts are as long as whoever owns an app likes.
        var warnings: Set<Int> = []
    }

    private var groups: [ExactText: Given] = [:]

    /// Whether this warning is to be given now; then it counts as given.
    mutating func admit(_ warning: String, group: String, at now: NIODeadline) -> Bool {
        let key = ExactText(group)
        if groups[key] == nil, groups.count >= Self.maxGroups {
            groups = groups.filter { now - $0.value.since < Self.memory }
            guard groups.count < Self.maxGroups else { return false }
        }
        var given = groups[key] ?? Given(since: now)
        if now - given.since >= Self.memory { given = Given(since: now) }
        let isNew =
            given.warnings.count < Self.maxPerGroup && given.warnings.insert(ExactText(warning).hashValue).inserted
        groups[key] = given
        return isNew
    }
}
