// SPDX-License-Identifier: MIT

/// What is known about one setting: where it may be given, what it takes, who acts on it.
package struct SettingDefinition: Sendable {
    /// Where the config may hold it.
    package enum Scope: Sendable, Hashable {
        /// Once for the whole front, at `http` level.
        case global
        /// Per app: `http`, `server` or `location`, inherited inwards.
        case app
        /// Per handling of a request: the same places.
        case location
    }

    /// Who acts on it when the app server flies.
    package enum Flying: Sendable, Hashable {
        /// Part of an app's settings, sent to the daemon.
        case pushed
        /// Used by the front alone.
        case frontOnly
        /// Has no effect from the front; the flag of the daemon that does it.
        case daemonFlag(String)
        /// Has no effect at all; the reason completes "has no effect: ".
        case ignored(String)
    }

    /// Whether this version acts on it.
    package enum Rank: Sendable, Hashable {
        case supported
        /// Known and checked; has no effect yet.
        case later
    }

    /// What a changed value asks of a running group.
    package enum Change: Sendable, Hashable {
        case live
        case newProcesses
    }

    /// Which values a peer without authority may push.
    package enum OwnerRule: Sendable, Hashable {
        case refused
        case any
        case only([String])
    }

    /// Spelled without the prefix `passenger_`.
    package let name: String
    package let aliases: [String]
    /// Spellings that the config also takes without the prefix.
    package let bareNames: [String]
    package let scope: Scope
    package let flying: Flying
    package let kind: SettingKind
    /// In the form people write it; nil if there is none, or if it is not a constant.
    package let defaultValue: String?
    package let rank: Rank
    package let change: Change
    package let ownerRule: OwnerRule

    init(
        _ name: String,
        _ kind: SettingKind,
        _ scope: Scope = .app,
        default defaultValue: String? = nil,
        flying: Flying = .pushed,
        rank: Rank = .supported,
        change: Change = .newProcesses,
        owner ownerRule: OwnerRule = .refused,
        aliases: [String] = [],
        bareNames: [String] = []
    ) {
        self.name = name
        self.aliases = aliases
        self.bareNames = bareNames
        self.scope = scope
        self.flying = flying
        self.kind = kind
        self.defaultValue = defaultValue
        self.rank = rank
        self.change = change
        self.ownerRule = ownerRule
    }

    /// Whether a peer without authority over settings may push this name at all.
    package var isOwnerSetting: Bool { ownerRule != .refused }

    package func mayBeSetByOwner(to value: String) -> Bool {
        switch ownerRule {
        case .refused: return false
        case .any: return true
        case .only(let values):
            // A value of the wrong kind is refused with a better text when the settings are read.
            guard let normalized = try? kind.normalized(value) else { return true }
            return values.contains(normalized)
        }
    }

    package var isPushed: Bool { flying == .pushed }
}
