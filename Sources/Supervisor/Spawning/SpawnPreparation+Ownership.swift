// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import PathSafety
import ShownText
import SpawnPlan

// MARK: The way to the app

extension SpawnPreparation {
    /// As whom the app runs is known by its root alone, so that is opened first and judged afterwards, by what was met.
    func openAppRoot() throws(SpawnFailure.Cause) -> AppRootFacts {
        let appRoot = self.settings.appRoot
        do throws(SystemError) {
            return try AppRootFacts(appRoot: appRoot)
        } catch  where error.isNotFound {
            throw AppTypeDetection.Problem.noAppRoot.cause(appRoot: appRoot)
        } catch  where error.isNotDirectory {
            throw AppTypeDetection.Problem.appRootIsNoDirectory.cause(appRoot: appRoot)
        } catch  where error.isPermissionDenied {
            // A network file system may know root as nobody, but the user who was named as itself.
            if let identity = self.configuredIdentity, let facts = try? AppRootFacts(appRoot: appRoot, as: identity) {
                return facts
            }
            throw self.closed(at: error.subject ?? appRoot)
        } catch {
            throw SpawnFailure.Cause(error, doing: "the app root cannot be opened")
        }
    }

    private func closed(at directory: String) -> SpawnFailure.Cause {
        SpawnFailure.Cause(
            .fileSystem,
            .access,
            "the app root \(SafeText.name(self.settings.appRoot)) cannot be entered by the daemon's user (uid "
                + "\(CurrentProcess.effectiveUID)): the directory \(SafeText.name(directory)) is closed",
            remedies: CurrentProcess.isRoot
                ? [
                    """
                    Root is kept out by the file system, as by NFS with root_squash: set passenger_user to a user who may \
                    enter it, or export it with no_root_squash.
                    """
                ]
                : ["Make it accessible to that user, or start the daemon as root."]
        )
    }

    /// The user whom the configuration names.
    private var configuredIdentity: UserIdentity? {
        let accounts = SystemAccounts()
        guard CurrentProcess.isRoot, let name = self.choice.user,
            // Who cannot be looked up fails the start by that.
            let account = (try? accounts.account(named: name)) ?? nil, account.uid != 0
        else { return nil }
        return UserIdentity(
            uid: account.uid,
            gid: account.gid,
            groups: accounts.groups(of: account, primary: account.gid)
        )
    }
}

// MARK: Who decides

extension SpawnPreparation {
    /// What is tolerated, in sentences; throws what is not.
    ///
    /// Where the configuration names the user it is not the files that decide: what others could change is told once.
    func checkOwnership(
        _ app: DetectedApp,
        _ identity: RunningIdentity,
        in facts: AppRootFacts
    ) throws(SpawnFailure.Cause) -> [String] {
        guard identity.isSwitched, identity.restsOnOwnership || self.choice.user != nil else { return [] }
        let accounts = SystemAccounts()
        let trusted = self.options.trustedOwners
        let judge = Judge(
            policy: accounts.policy(owner: identity.restsOnOwnership ? app.fact.uid : identity.uid)
                .adding(owners: trusted.owners, groups: trusted.groups),
            check: self.options.ownershipCheck,
            names: accounts.pathNames,
            identity: identity
        )
        let trail = try self.trail(to: app, in: facts)
        let scene = OwnershipScene(
            appRoot: self.settings.appRoot,
            realRoot: facts.path,
            app: app,
            names: judge.names
        )
        var warnings = try judge.warnings(trail, scene)
        if let file = self.environmentFile(facts) {
            self.look.moved(to: .environmentFile(file))
            warnings += try judge.warningsAboutEnvironment(file, app)
        }
        let program = LoaderProgram(app.type, settings: self.settings, loaders: "")
        for file in program.files {
            let path = self.absolute(file, in: facts)
            self.look.moved(to: .interpreter(path))
            warnings += judge.warningsAboutProgram(path, program.setting)
        }
        self.look.moved(to: .appRoot)
        return warnings
    }

    private func trail(to app: DetectedApp, in facts: AppRootFacts) throws(SpawnFailure.Cause) -> PathTrail {
        do throws(SystemError) {
            return try facts.trail(to: app.referencePath)
        } catch {
            throw SpawnFailure.Cause(
                .configuration,
                .ownership,
                "the directory of \(app.referenceName) was changed while it was looked at: \(error)",
                remedies: [
                    "Try again; if it happens every time, somebody else is changing \(SafeText.name(self.settings.appRoot))."
                ]
            )
        }
    }

    private func environmentFile(_ facts: AppRootFacts) -> String? {
        self.settings.environmentFile.map { self.absolute($0, in: facts) }
    }

    private func absolute(_ path: String, in facts: AppRootFacts) -> String {
        path.utf8.first == UInt8(ascii: "/") ? path : "\(facts.path)/\(path)"
    }
}

/// What is to be said about the files of one app.
private struct Judge {
    let policy: PathPolicy
    let check: OwnershipCheck
    let names: PathNames
    let identity: RunningIdentity

    func warnings(_ trail: PathTrail, _ scene: OwnershipScene) throws(SpawnFailure.Cause) -> [String] {
        guard self.identity.restsOnOwnership else {
            return self.policy.refusals(of: trail).prefix(1).map { self.warning($0, about: "passenger_user") }
        }
        do throws(PathRefusal) {
            return try self.check.check(trail, by: self.policy).map { $0.summary(scene) }
                + self.warningsAboutParent(trail)
        } catch {
            throw SpawnFailure.Cause(
                .configuration,
                .ownership,
                error.summary(scene),
                remedies: error.remedies(scene)
            )
        }
    }

    /// In a directory like /tmp, anybody may put an app of the same name there once this one is gone.
    private func warningsAboutParent(_ trail: PathTrail) -> [String] {
        guard let root = trail.places.firstIndex(where: { if case .entered = $0.step { true } else { false } }),
            root > 0,
            case .passed(let fact, _) = trail.places[root - 1].step, fact.writers.contains(.everybody)
        else { return [] }
        return [
            "everybody may write to \(SafeText.name(trail.places[root - 1].path)), which holds the app root "
                + SafeText.name(trail.places[root].path)
        ]
    }

    /// Its variables can make any interpreter run any code.
    func warningsAboutEnvironment(_ file: String, _ app: DetectedApp) throws(SpawnFailure.Cause) -> [String] {
        // What is not there, or closed, the launch speaks about.
        guard let walked = try? PathWalk.look(at: file) else { return [] }
        guard self.identity.restsOnOwnership else {
            return self.policy.refusals(of: walked.trail).prefix(1).map {
                self.warning($0, about: "passenger_env_file")
            }
        }
        let what = "the environment file \(SafeText.name(file))"
        do throws(PathRefusal) {
            return try self.check.check(walked.trail, by: self.policy).map { "\(what): \($0.sentence(self.names))" }
        } catch {
            throw SpawnFailure.Cause(
                .configuration,
                .ownership,
                "\(what) could say what runs as \(self.identity.userName): \(error.sentence(self.names)), and the app's user is "
                    + "to come from the owner of \(app.referenceName), \(self.names.user(app.fact.uid))",
                remedies: error.remedies(givingTo: app.fact.uid, self.names) + error.remediesElsewhere(self.names)
            )
        }
    }

    /// The configuration names it itself, and may name one of another user; who wrote it should know.
    func warningsAboutProgram(_ file: String, _ setting: String) -> [String] {
        // What is not there, or closed, the launch speaks about.
        guard let walked = try? PathWalk.look(at: file), walked.status.kind == .regular else { return [] }
        return self.policy.refusals(of: walked.trail).prefix(1).map { self.warning($0, about: setting) }
    }

    private func warning(_ refusal: PathRefusal, about setting: String) -> String {
        refusal.warning(self.names, what: setting, user: self.identity.userName)
    }
}
