// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan
import WireProtocol

/// One spawn from the look at the app root to a process that is on its way to its program.
///
/// It blocks as long as file systems and account databases do: for a thread of its own.
struct SpawnPreparation {
    let options: SpawnerOptions
    let request: SpawnRequest
    let clock = JourneyClock()
    var journey = Journey()
    var identity: RunningIdentity?
    var description: SpawnFailure.Program?
    var warnings: [String] = []

    init(_ request: SpawnRequest, options: SpawnerOptions) {
        self.request = request
        self.options = options
    }

    var settings: AppSettings { self.request.settings }

    /// What came of it, and what the operator should hear about it either way.
    struct Outcome: Sendable {
        let result: Result<LaunchedApp, SpawnFailure>
        let warnings: [String]
    }

    mutating func run() -> Outcome {
        self.journey.begin(.prepare, at: self.clock.now)
        do throws(SpawnProblem) {
            let facts = try self.openAppRoot()
            let app = try self.detect(in: facts)
            let identity = try self.decideUser(app)
            self.identity = identity
            self.warnings = identity.warnings + self.warningsAboutFrontUser(identity)
            self.warnings += try self.checkOwnership(app, identity, in: facts)
            let launched = try self.launch(app, identity, in: facts)
            return Outcome(result: .success(launched), warnings: self.warnings)
        } catch {
            return Outcome(result: .failure(self.failure(error)), warnings: self.warnings)
        }
    }

    private mutating func failure(_ problem: SpawnProblem) -> SpawnFailure {
        let step = problem.step ?? self.journey.current
        self.journey.fail(step, at: self.clock.now)
        return SpawnFailure(
            id: ErrorID(UInt32(truncatingIfNeeded: RandomBytes.uint64())),
            category: problem.category,
            kind: problem.kind,
            step: step,
            summary: problem.summary,
            remedies: problem.remedies,
            identity: self.identity,
            journey: self.journey,
            program: self.description
        )
    }
}

// MARK: Decisions

extension SpawnPreparation {
    private func openAppRoot() throws(SpawnProblem) -> AppRootFacts {
        do throws(SystemError) {
            let facts = try AppRootFacts(appRoot: self.settings.appRoot)
            // Opening it proves no right to look into it, and without that all files would seem to be absent.
            _ = try facts.root.status(of: ".")
            return facts
        } catch  where error.isNotFound {
            throw SpawnProblem(AppTypeDetection.Problem.noAppRoot, appRoot: self.settings.appRoot)
        } catch  where error.isNotDirectory {
            throw SpawnProblem(AppTypeDetection.Problem.appRootIsNoDirectory, appRoot: self.settings.appRoot)
        } catch  where error.isPermissionDenied {
            throw SpawnProblem(
                .fileSystem,
                .access,
                "the app root \(self.settings.appRoot) cannot be entered by the daemon's user (uid "
                    + "\(CurrentProcess.effectiveUID)): the directory \(Self.closedDirectory(self.settings.appRoot)) is closed",
                remedies: [
                    CurrentProcess.isRoot
                        ? "Root is kept out by the file system, as by NFS with root_squash: export it with no_root_squash."
                        : "Make it accessible to that user, or start the daemon as root."
                ]
            )
        } catch {
            throw SpawnProblem(error, doing: "the app root cannot be opened")
        }
    }

    /// The last directory of the path that can be reached: what is below it cannot.
    private static func closedDirectory(_ path: String) -> String {
        var reached = "/"
        for component in path.pathComponents {
            let next = reached == "/" ? "/\(component)" : "\(reached)/\(component)"
            guard (try? OpenDirectory.open(next)) != nil else { break }
            reached = next
        }
        return reached
    }

    private func detect(in facts: AppRootFacts) throws(SpawnProblem) -> DetectedApp {
        do throws(AppTypeDetection.Problem) {
            return try AppTypeDetection.detect(self.settings, in: facts)
        } catch {
            throw SpawnProblem(error, appRoot: self.settings.appRoot)
        }
    }

    /// Only peers with authority choose users; everybody else gets the owner.
    private func decideUser(_ app: DetectedApp) throws(SpawnProblem) -> RunningIdentity {
        let choice =
            switch self.request.authority {
            case .full: UserSwitching.Choice(user: self.settings.user, group: self.settings.group)
            case .owner: UserSwitching.Choice()
            }
        do throws(UserSwitchingProblem) {
            return try UserSwitching(self.options.userSwitching).decide(choice, app: app, accounts: SystemAccounts())
        } catch {
            throw SpawnProblem(error.category, .noUser, error.description, remedies: error.remedies)
        }
    }

    private func checkOwnership(
        _ app: DetectedApp,
        _ identity: RunningIdentity,
        in facts: AppRootFacts
    ) throws(SpawnProblem) -> [String] {
        guard identity.restsOnOwnership else { return [] }
        let accounts = SystemAccounts()
        let names = { (uid: UInt32) in accounts.displayName(uid: uid) }
        do throws(OwnershipCheck.Finding) {
            let tolerated = try self.options.ownershipCheck.check(app, in: facts, accounts: accounts)
            return tolerated.map { $0.summary(app: app, names: names) } + self.warningsAboutParent
        } catch {
            throw SpawnProblem(
                .configuration,
                .ownership,
                error.summary(app: app, names: names),
                remedies: error.remedies(appRoot: self.settings.appRoot, app: app, names: names)
            )
        }
    }
}

extension SpawnPreparation {
    /// Such an app could read the worker's token out of its memory, and with it use other apps as the front does.
    private func warningsAboutFrontUser(_ identity: RunningIdentity) -> [String] {
        guard identity.isSwitched, identity.uid == self.options.frontUserUID else { return [] }
        return [
            "the app runs as \(identity.userName), the user of the fronts' workers (--front-user), and could take over what "
                + "they may do; give it a user of its own (\(identity.reason))"
        ]
    }

    /// In a directory like /tmp, anybody may put an app of the same name there once this one is gone.
    var warningsAboutParent: [String] {
        guard let slash = self.settings.appRoot.lastIndex(of: "/") else { return [] }
        let parent = String(self.settings.appRoot[..<slash])
        // What cannot be looked at is diagnosed by the launch.
        guard let status = try? FileStatus(path: parent.isEmpty ? "/" : parent), status.isWritableByOthers else {
            return []
        }
        return ["everybody may write to \(parent), which holds the app root \(self.settings.appRoot)"]
    }
}
