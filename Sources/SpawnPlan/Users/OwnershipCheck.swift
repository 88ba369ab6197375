// SPDX-License-Identifier: MIT

import ShownText

/// Whether the directories of an app let nobody but the startup file's owner (and root) decide what runs as that owner.
///
/// Asked only when the user came from ownership: who can put another user's file into a directory (a hard link, a
/// rename) must not gain that user by it.
package enum OwnershipCheck: String, Hashable, Sendable, CaseIterable {
    case strict
    /// All but what everybody may write to is let through with a warning.
    case warn

    package struct Finding: Error, Hashable, Sendable {
        /// For sentences: "the app root" or "config".
        package let directory: String
        package let path: AppPath
        package let fact: FileFact
        package let reason: Reason

        package enum Reason: Hashable, Sendable {
            case otherOwner(expected: UInt32)
            case everybodyMayWrite
            case groupMayWrite
            /// It vanished, or a link took its place, between two looks.
            case notADirectory
        }
    }

    /// What was found that is tolerated; throws what is not.
    package func check(
        _ app: DetectedApp,
        in files: some FileFacts,
        accounts: some UserDatabase
    ) throws(Finding) -> [Finding] {
        var tolerated: [Finding] = []
        for path in app.referencePath.directories {
            guard let finding = Self.finding(path, owner: app.fact.uid, in: files, accounts: accounts) else { continue }
            guard self == .warn, finding.isTolerable else { throw finding }
            tolerated.append(finding)
        }
        return tolerated
    }

    private static func finding(
        _ path: AppPath,
        owner: UInt32,
        in files: some FileFacts,
        accounts: some UserDatabase
    ) -> Finding? {
        guard let fact = files.fact(at: path), fact.kind == .directory else {
            let missing = FileFact(kind: .other, uid: 0, gid: 0, mode: 0)
            return Finding(directory: name(of: path), path: path, fact: missing, reason: .notADirectory)
        }
        guard let reason = reason(fact, owner: owner, accounts: accounts) else { return nil }
        return Finding(directory: name(of: path), path: path, fact: fact, reason: reason)
    }

    private static func reason(_ fact: FileFact, owner: UInt32, accounts: some UserDatabase) -> Finding.Reason? {
        if fact.mode & 0o002 != 0 { return .everybodyMayWrite }
        if fact.uid != owner, fact.uid != 0 { return .otherOwner(expected: owner) }
        guard fact.mode & 0o020 != 0, fact.gid != 0 else { return nil }
        // A database that does not answer makes it nobody's own group: rather a refusal than a wrong user.
        let account = (try? accounts.account(uid: owner)) ?? nil
        return fact.gid == account?.gid ? nil : .groupMayWrite
    }

    private static func name(of path: AppPath) -> String {
        switch path {
        case .root: "the app root"
        case .below(let path): path
        }
    }
}

extension OwnershipCheck.Finding {
    var isTolerable: Bool {
        switch self.reason {
        case .otherOwner, .groupMayWrite: true
        case .everybodyMayWrite, .notADirectory: false
        }
    }

    /// One sentence with owner and mode; `names` gives the name of a uid.
    package func summary(app: DetectedApp, names: (UInt32) -> String) -> String {
        let mode = "0" + String(self.fact.mode, radix: 8)
        let described = "\(self.directory) (owner \(names(self.fact.uid)), mode \(mode))"
        let purpose = "and the app's user is to come from the owner of \(app.referenceName), \(names(app.fact.uid))"
        return switch self.reason {
        case .otherOwner(0): "\(described) does not belong to root, \(purpose)"
        case .otherOwner(let expected): "\(described) belongs neither to \(names(expected)) nor to root, \(purpose)"
        case .everybodyMayWrite: "\(described) is writable by everybody, \(purpose)"
        case .groupMayWrite:
            "\(described) is writable by a group, gid \(self.fact.gid), that is not the owner's own, \(purpose)"
        case .notADirectory: "\(self.directory) is no directory any more, \(purpose)"
        }
    }

    /// What to type; which command is right depends on whose app it is, and only the operator knows that.
    package func remedies(appRoot: String, app: DetectedApp, names: (UInt32) -> String) -> [String] {
        let path = ShellWord.quoted(Self.absolute(self.path, appRoot))
        let setting = "Or set passenger_user in the front's configuration."
        switch self.reason {
        case .otherOwner(let expected):
            var remedies: [String] = []
            let file = Self.absolute(app.referencePath, appRoot)
            if app.startupFile != nil, app.fact.names > 1 {
                // Its owner may know nothing of this name: changing the owner would give the file away.
                remedies.append(
                    "\(file) is one of \(app.fact.names) names of the same file (a hard link): if it is not meant to be, "
                        + "put a copy in its place"
                )
            } else if self.fact.uid != 0 {
                let owner = Self.owner(self.fact.uid, names)
                remedies.append(
                    "If it is to run as \(names(self.fact.uid)), type: chown -h \(owner) \(ShellWord.quoted(file))"
                )
            }
            // Root's own files are no reason to give a directory to root.
            if expected != 0 {
                let owner = Self.owner(expected, names)
                // Below the app root its owner could put a link in place; the app root itself may be one, such as "current".
                let chown = self.path == .root ? "chown" : "chown -h"
                remedies.append("If it is to run as \(names(expected)), type: \(chown) \(owner) \(path)")
            }
            return remedies + [setting]
        case .everybodyMayWrite: return ["Type: chmod o-w \(path)", setting]
        case .groupMayWrite: return ["Type: chmod g-w \(path)", setting]
        case .notADirectory: return ["Look at it with: ls -ld \(path)", setting]
        }
    }

    private static func absolute(_ path: AppPath, _ appRoot: String) -> String {
        switch path {
        case .root: appRoot
        case .below(let below): "\(appRoot)/\(below)"
        }
    }

    /// As chown(1) takes it: a uid without an account by its number.
    private static func owner(_ uid: UInt32, _ names: (UInt32) -> String) -> String {
        let name = names(uid)
        return name == "uid \(uid)" ? String(uid) : name
    }
}
