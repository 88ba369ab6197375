// SPDX-License-Identifier: MIT

package import ShownText

/// A place of a path about which somebody has a say who should not.
package struct PathRefusal: Error, Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// Of a directory: neither root nor an owner of the policy.
        case otherOwner
        case everybodyMayWrite
        /// A group that somebody else may be in; by an entry of the access list, or by the mode.
        case groupMayWrite(UInt32, byList: Bool)
        /// By an entry of the access list.
        case userMayWrite(UInt32)
        /// A link that neither root nor an owner of the policy made.
        case foreignLink(target: String)
    }

    package let place: PathTrail.Place
    package let reason: Reason
    /// Whose directory or link it might have been.
    package let owners: Set<UInt32>
    /// Root alone decides about the way to the place: a command of root's that names it can be turned by nobody.
    package let isReachedSafely: Bool

    package init(place: PathTrail.Place, reason: Reason, owners: Set<UInt32>, isReachedSafely: Bool) {
        self.place = place
        self.reason = reason
        self.owners = owners
        self.isReachedSafely = isReachedSafely
    }

    package var path: String { place.path }

    package var fact: PathFact {
        switch place.step {
        case .passed(let fact, _), .entered(let fact), .link(let fact, _, _): fact
        }
    }

    /// What everybody may write to is nobody's.
    package var isTolerable: Bool { reason != .everybodyMayWrite }

    /// Who could put something else in the place of what lies there: a user, if it is one.
    package var culprit: UInt32? {
        switch reason {
        case .otherOwner, .foreignLink: fact.owner
        case .userMayWrite(let uid): uid
        case .everybodyMayWrite, .groupMayWrite: nil
        }
    }
}

/// Names for sentences.
package struct PathNames {
    /// A name, or "uid 1234".
    package let user: (UInt32) -> String
    /// nil: no such group.
    package let group: (UInt32) -> String?

    package init(user: @escaping (UInt32) -> String, group: @escaping (UInt32) -> String?) {
        self.user = user
        self.group = group
    }

    /// nil for a uid without an account.
    package func account(_ uid: UInt32) -> String? {
        let name = user(uid)
        return name == "uid \(uid)" ? nil : name
    }

    /// "gid 50 (staff)".
    func described(group gid: UInt32) -> String { "gid \(gid)" + (group(gid).map { " (\($0))" } ?? "") }
}

extension PathRefusal {
    /// "/srv/shop (owner mary, mode 0755) belongs neither to joe nor to root"; `subject` in place of the path.
    package func sentence(_ names: PathNames, subject: String? = nil) -> String {
        let owner = names.user(fact.owner)
        let described = "\(subject ?? SafeText.name(path)) (owner \(owner), mode 0\(String(fact.mode, radix: 8)))"
        return switch reason {
        case .otherOwner: "\(described) \(strangers(names))"
        case .everybodyMayWrite: "\(described) is writable by everybody"
        case .groupMayWrite(let gid, let byList):
            "\(described) is writable by a group, \(names.described(group: gid)), that is not the owner's own"
                + (byList ? " (by its access list)" : "")
        case .userMayWrite(let uid): "\(described) lets \(names.user(uid)) write by its access list"
        case .foreignLink(let target):
            "the link \(SafeText.name(path)) to \(SafeText.name(target)) (owner \(owner)) \(strangers(names))"
        }
    }

    private func strangers(_ names: PathNames) -> String {
        let others = owners.filter { $0 != 0 }.sorted().map(names.user)
        guard let last = others.last else { return "does not belong to root" }
        guard others.count > 1 else { return "belongs neither to \(last) nor to root" }
        return "belongs neither to \(others.dropLast().joined(separator: ", ")), \(last) nor to root"
    }

    /// "mary", "everybody" or "the members of staff": who could replace it.
    package func culpritName(_ names: PathNames) -> String {
        switch reason {
        case .otherOwner, .foreignLink, .userMayWrite: names.user(culprit ?? 0)
        case .everybodyMayWrite: "everybody"
        case .groupMayWrite(let gid, _): "the members of \(names.group(gid) ?? "gid \(gid)")"
        }
    }

    /// Others rely on its rights as they are: all that share it, or the whole system.
    package var isShared: Bool {
        if isLink { return false }
        return fact.isSticky || SharedPlace.isSystem(path)
    }

    /// What takes the right to write away; nil where another owner is needed, or another place.
    ///
    /// The owner of the place may run it, and does so where root could be led astray on the way.
    package func closingCommand(_ names: PathNames) -> ShellLine? {
        guard !isShared else { return nil }
        let command: ShellLine
        switch reason {
        case .everybodyMayWrite: command = "chmod o-w \(path)"
        case .groupMayWrite(_, byList: false): command = "chmod g-w \(path)"
        case .groupMayWrite(let gid, byList: true) where gid == fact.group: command = "setfacl -m g::rx \(path)"
        case .groupMayWrite(let gid, byList: true): command = "setfacl -x g:\(gid) \(path)"
        case .userMayWrite(let uid): command = "setfacl -x u:\(uid) \(path)"
        case .otherOwner, .foreignLink: return nil
        }
        if isReachedSafely { return command }
        return names.account(fact.owner).map { "runuser -u \($0) -- \(command)" }
    }

    /// What gives the place to somebody; nil where somebody could turn it on the way, or it is not to be given away.
    package func givingCommand(to owner: String) -> ShellLine? {
        guard isReachedSafely, !isShared, isLink || !SharedPlace.isHome(path) else { return nil }
        if case .foreignLink = reason { return "chown -h \(owner) \(path)" }
        return "chown \(owner) \(path)"
    }

    /// "--trust-owner=mary", or a group's name behind a colon: who is meant to have that say.
    package func trust(_ names: PathNames) -> ShellLine {
        switch reason {
        case .groupMayWrite(let gid, _): "--trust-owner=\(":" + (names.group(gid) ?? String(gid)))"
        case .otherOwner, .foreignLink, .userMayWrite, .everybodyMayWrite:
            "--trust-owner=\(names.account(culprit ?? 0) ?? String(culprit ?? 0))"
        }
    }

    /// What to do so that only root, or `owner`, has a say about the place; at most one.
    ///
    /// `condition` begins a sentence.
    package func remedies(givingTo owner: UInt32, _ names: PathNames, when condition: String = "") -> [Remedy] {
        if isShared { return [SharedPlace.remedy(path)] }
        if let command = closingCommand(names) { return [Remedy(typing: command)] }
        guard reason == .otherOwner || isLink else { return [] }
        if !isLink, SharedPlace.isHome(path) { return [SharedPlace.remedy(path)] }
        if let command = givingCommand(to: names.account(owner) ?? String(owner)) {
            return [condition.isEmpty ? Remedy(typing: command) : Remedy("\(condition), type:", shell: command)]
        }
        // Whoever owns a directory above could turn a command of root's elsewhere while it is typed.
        let start = condition.isEmpty ? "Give" : "\(condition), give"
        return [
            Remedy(
                "\(start) \(SafeText.name(path)) to \(names.user(owner)), once you have looked at the way to it:",
                shell: "namei -l \(path)"
            )
        ]
    }

    private var isLink: Bool { if case .foreignLink = reason { true } else { false } }
}
