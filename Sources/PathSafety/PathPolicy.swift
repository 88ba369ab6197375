// SPDX-License-Identifier: MIT

/// Who alone may decide where a path leads; the rule for app roots, environment files and logs (docs/users.md).
///
///     step      safe if
///     link      an owner of the policy made it
///     passed    an owner of the policy has it, and nobody else may write to it; or it is sticky, and what was looked up in
///               it belongs to an owner of the policy: then those who may write cannot replace that
///     entered   an owner of the policy has it, and nobody else may write to it, sticky or not
///
/// Nobody else: no other users, no group but those of the policy, and the same for each entry of an access list.
package struct PathPolicy: Hashable, Sendable {
    /// Root is always among them.
    package let owners: Set<UInt32>
    /// Groups that stand for an owner, because nobody else is in them; root's is always among them.
    package let groups: Set<UInt32>

    package init(owners: Set<UInt32>, groups: Set<UInt32> = []) {
        self.owners = owners.union([0])
        self.groups = groups.union([0])
    }

    /// A group of the account database.
    package struct Group {
        package let gid: UInt32
        package let name: String
        /// Names of those whose primary group it is not.
        package let members: [String]

        package init(gid: UInt32, name: String, members: [String]) {
            self.gid = gid
            self.name = name
            self.members = members
        }

        /// Whether it stands for a user whose primary group it is: of the same name, and without another member.
        package func isPrivate(of user: String) -> Bool {
            name.utf8.elementsEqual(user.utf8) && members.allSatisfy { $0.utf8.elementsEqual(user.utf8) }
        }
    }

    /// For what is to be run as `owner`: root, that user and the group that is that user's alone.
    package init(owner: UInt32, name: String?, primaryGroup: Group?) {
        let group = name.flatMap { name in primaryGroup.flatMap { $0.isPrivate(of: name) ? $0.gid : nil } }
        self.init(owners: [owner], groups: group.map { [$0] } ?? [])
    }

    /// Only root decides.
    package static let rootOnly = PathPolicy(owners: [])

    /// The same with more owners and groups.
    package func adding(owners: Set<UInt32>, groups: Set<UInt32>) -> PathPolicy {
        PathPolicy(owners: self.owners.union(owners), groups: self.groups.union(groups))
    }

    /// Each place of a trail that somebody else has a say about, at most one finding for each; none: the path is safe.
    package func refusals(of trail: PathTrail) -> [PathRefusal] {
        trail.places.enumerated()
            .compactMap { index, place in
                guard let reason = reason(against: place.step) else { return nil }
                return PathRefusal(
                    place: place,
                    reason: reason,
                    owners: owners,
                    isReachedSafely: self == .rootOnly || Self.rootOnly.isSafe(trail.way(to: index))
                )
            }
    }

    /// Whether root and the owners of the policy alone decide where a trail led.
    package func isSafe(_ trail: PathTrail) -> Bool { trail.places.allSatisfy { reason(against: $0.step) == nil } }

    private func reason(against step: PathTrail.Step) -> PathRefusal.Reason? {
        switch step {
        case .link(let fact, let target, _): owners.contains(fact.owner) ? nil : .foreignLink(target: target)
        case .passed(let fact, let holds): reason(fact, isCovered: fact.isSticky && owners.contains(holds))
        case .entered(let fact): reason(fact, isCovered: false)
        }
    }

    /// What everybody may do is said first: nothing excuses it.
    private func reason(_ fact: PathFact, isCovered: Bool) -> PathRefusal.Reason? {
        let writers = isCovered ? [] : fact.writers
        if writers.contains(.everybody) { return .everybodyMayWrite }
        guard owners.contains(fact.owner) else { return .otherOwner }
        for writer in writers {
            switch writer {
            case .everybody: return .everybodyMayWrite
            case .group(let gid):
                if !groups.contains(gid) { return .groupMayWrite(gid, byList: fact.accessList != nil) }
            case .user(let uid): if !owners.contains(uid) { return .userMayWrite(uid) }
            }
        }
        return nil
    }
}
