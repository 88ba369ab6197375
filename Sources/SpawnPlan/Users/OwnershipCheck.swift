// SPDX-License-Identifier: MIT

package import PathSafety
package import ShownText

/// What becomes of an app whose user came from ownership, when others have a say about what lies at its app root.
package enum OwnershipCheck: String, Hashable, Sendable, CaseIterable {
    case strict
    /// All but what everybody may write to is let through with a warning.
    case warn

    /// What was found that is tolerated; throws what is not.
    package func check(_ trail: PathTrail, by policy: PathPolicy) throws(PathRefusal) -> [PathRefusal] {
        let found = policy.refusals(of: trail)
        guard let refused = found.first(where: { self == .strict || !$0.isTolerable }) else { return found }
        throw refused
    }
}

/// The app that a refused path was to lead to, for sentences and commands.
package struct OwnershipScene {
    package let appRoot: String
    /// The app root without links on the way to it.
    package let realRoot: String
    package let app: DetectedApp
    package let names: PathNames

    package init(appRoot: String, realRoot: String, app: DetectedApp, names: PathNames) {
        self.appRoot = appRoot
        self.realRoot = realRoot
        self.app = app
        self.names = names
    }

    fileprivate var owner: UInt32 { app.fact.uid }
    fileprivate var ownerName: String { names.user(owner) }

    /// The file that decides about the user, or the app root.
    fileprivate var referenceFile: String {
        app.startupFile.map { "\(realRoot)/\($0)" } ?? realRoot
    }

    /// "the app root", "config" or a path above.
    fileprivate func name(of path: String) -> String {
        if path.utf8.elementsEqual(realRoot.utf8) { return "the app root" }
        let prefix = "\(realRoot)/".utf8
        let name = path.utf8.starts(with: prefix) ? String(Substring(path.utf8.dropFirst(prefix.count))) : path
        return SafeText.name(name)
    }
}

extension PathRefusal {
    /// One sentence with owner and mode, who could replace what, and why that counts.
    package func summary(_ scene: OwnershipScene) -> String {
        let found = sentence(scene.names, subject: scene.name(of: path))
        let purpose = "and the app's user is to come from the owner of \(scene.app.referenceName), \(scene.ownerName)"
        if case .entered = place.step { return "\(found), \(purpose)" }
        let culprit = culpritName(scene.names)
        return
            "\(found), so \(culprit) could put another application in the place of \(SafeText.name(scene.appRoot)), \(purpose)"
    }

    /// One sentence about what a setting names, which is let through: `what` is the setting.
    package func warning(_ names: PathNames, what: String, user: String) -> String {
        "\(what): \(sentence(names)), so \(culpritName(names)) could change what runs as \(user); "
            + "\(trust(names).text) says that this is meant"
    }

    /// What to do; which command is right depends on whose app it is, and only the operator knows that.
    package func remedies(_ scene: OwnershipScene) -> [Remedy] {
        let condition = "If it is to run as \(scene.ownerName)"
        // Root's own files are no reason to give a directory to root.
        let isForOwner = scene.owner != 0 || isShared || closingCommand(scene.names) != nil
        let forOwner = isForOwner ? remedies(givingTo: scene.owner, scene.names, when: condition) : []
        return remedyForFile(scene) + forOwner + remediesElsewhere(scene.names)
    }

    /// The other two ways out.
    package func remediesElsewhere(_ names: PathNames) -> [Remedy] {
        let setting = Remedy("Or set passenger_user in the front's configuration.")
        guard reason != .everybodyMayWrite else { return [setting] }
        let whom = culpritName(names)
        return [
            setting, Remedy("Or, if \(whom) may decide what runs here, start the daemon with \(trust(names).text)."),
        ]
    }

    /// Its owner may know nothing of a second name: changing the owner would give the file away.
    ///
    /// And a directory of somebody's may be another one by the time that root changes an owner in it.
    private func remedyForFile(_ scene: OwnershipScene) -> [Remedy] {
        guard reason == .otherOwner, case .entered = place.step, fact.owner != 0, scene.app.startupFile != nil else {
            return []
        }
        let file = scene.referenceFile
        guard scene.app.fact.names <= 1 else {
            return [
                Remedy(
                    "\(SafeText.name(file)) is one of \(scene.app.fact.names) names of the same file (a hard link): if it is "
                        + "not meant to be, put a copy in its place."
                )
            ]
        }
        guard let user = scene.names.account(fact.owner) else { return [] }
        let copying: ShellLine = "cp \(file) \("\(file).new") && mv -f \("\(file).new") \(file)"
        return [
            Remedy(
                "If it is to run as \(user), let that user put a copy of its own in its place:",
                shell: "runuser -u \(user) -- sh -c \(script: copying)"
            )
        ]
    }
}
