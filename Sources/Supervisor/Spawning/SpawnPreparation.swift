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
    /// Where the app's settings want a preloader, the process is one.
    let mayPreload: Bool
    let clock = JourneyClock()
    let look: PreparationLook
    var context: StartContext
    var warnings: [String] = []

    init(
        _ request: SpawnRequest,
        options: SpawnerOptions,
        mayPreload: Bool = false,
        look: PreparationLook = PreparationLook()
    ) {
        self.request = request
        self.mayPreload = mayPreload
        self.options = options
        self.look = look
        self.context = StartContext(id: request.errorID)
    }

    var settings: AppSettings { self.request.settings }

    /// What came of it, and what the operator should hear about it either way.
    struct Outcome: Sendable {
        let result: Result<StartingProcess, SpawnFailure>
        let warnings: [String]
    }

    mutating func run() -> Outcome {
        self.context.journey.begin(.prepare, at: self.clock.now)
        do throws(SpawnFailure.Cause) {
            let (app, identity, facts) = try self.examine()
            let launched = try self.launch(app, identity, in: facts)
            return Outcome(result: .success(launched), warnings: self.warnings)
        } catch {
            let failure = self.context.failure(error, at: self.clock.now)
            return Outcome(result: .failure(failure), warnings: self.warnings)
        }
    }

    /// The same without the launch: why it would be refused; nil: it would not.
    mutating func check() -> SpawnFailure? {
        self.context.journey.begin(.prepare, at: self.clock.now)
        do throws(SpawnFailure.Cause) {
            _ = try self.examine()
            return nil
        } catch {
            return self.context.failure(error, at: self.clock.now)
        }
    }

    private mutating func examine() throws(SpawnFailure.Cause) -> (DetectedApp, RunningIdentity, AppRootFacts) {
        let facts = try self.openAppRoot()
        let app = try self.detect(in: facts)
        let identity = try self.decideUser(app)
        self.context.identity = identity
        self.warnings = identity.warnings + self.warningsAboutFrontUser(identity)
        self.warnings += try self.checkOwnership(app, identity, in: facts)
        self.warnings += self.settings.warnings(for: app.type)
        return (app, identity, facts)
    }
}

// MARK: Decisions

extension SpawnPreparation {
    private func detect(in facts: AppRootFacts) throws(SpawnFailure.Cause) -> DetectedApp {
        do throws(AppTypeDetection.Problem) {
            return try AppTypeDetection.detect(self.settings, in: facts)
        } catch {
            throw error.cause(appRoot: self.settings.appRoot)
        }
    }

    /// Only peers with authority choose users; everybody else gets the owner.
    var choice: UserSwitching.Choice {
        switch self.request.authority {
        case .full: UserSwitching.Choice(user: self.settings.user, group: self.settings.group)
        case .owner: UserSwitching.Choice()
        }
    }

    private func decideUser(_ app: DetectedApp) throws(SpawnFailure.Cause) -> RunningIdentity {
        do throws(UserSwitchingProblem) {
            return try UserSwitching(self.options.userSwitching).decide(
                self.choice,
                app: app,
                accounts: SystemAccounts()
            )
        } catch {
            throw error.cause
        }
    }
}

extension SpawnPreparation {
    /// Such an app could stop the worker, and connect to the daemon as it does.
    private func warningsAboutFrontUser(_ identity: RunningIdentity) -> [String] {
        guard identity.isSwitched, self.options.workerUIDs.contains(identity.uid) else { return [] }
        return [
            "the app runs as \(identity.userName), a user of the fronts' workers (--front-user), and could stop them or take "
                + "over what they may do; give it a user of its own (\(identity.reason))"
        ]
    }
}
