// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// Who and what a failure happened to, as far as that is known: what makes a remedy concrete.
struct DiagnosisScene {
    let settings: AppSettings
    let identity: RunningIdentity?
    let program: StartContext.Program?
    let limits: [StartContext.ReportedLimit]
    /// The app's own process had been started, and may have said what it liked.
    let isInApp: Bool
    let step: Journey.Step
    /// Most of its time to start went by while it waited for a processor.
    let isStarved: Bool

    init(_ failure: SpawnFailure, settings: AppSettings) {
        self.settings = settings
        self.identity = failure.context.identity
        self.program = failure.context.program
        self.limits = failure.context.limits
        self.step = failure.step
        self.isStarved = failure.context.processorTime?.isStarved(within: settings.startTimeout) == true
        self.isInApp = failure.step.isOfProgram
    }

    var appRoot: String { self.settings.appRoot }
    var userName: String { self.identity?.userName ?? "the app's user" }

    var type: AppType? { self.program.flatMap { AppType(rawValue: $0.kind) } ?? self.settings.appType }

    /// Absolute; nil for apps without one.
    var startupFile: String? {
        guard let file = self.program?.startupFile ?? self.settings.startupFile, !file.isEmpty else { return nil }
        return file.utf8.first == UInt8(ascii: "/") ? file : "\(self.appRoot)/\(file)"
    }

    /// As it was typed.
    var interpreter: String {
        if let program, program.kind != AppType.generic.rawValue, let first = program.arguments.first { return first }
        return switch self.type {
        case .wsgi, .asgi: self.settings.python
        case .node: self.settings.nodejs
        case .rack, .classicRails, .generic, nil: self.settings.ruby
        }
    }

    /// What the app's user could not reach.
    var closedPath: String {
        if self.step == .execute, self.interpreter.utf8.first == UInt8(ascii: "/") { return self.interpreter }
        return self.startupFile ?? self.appRoot
    }

    var home: String? { self.identity?.account?.home }

    // MARK: Commands

    var shell: AppShell {
        AppShell(identity: self.identity, appRoot: self.appRoot, interpreter: self.interpreter, type: self.type)
    }

    func asUser(_ command: ShellLine) -> ShellLine { self.shell.asUser(command) }
    func inAppRoot(_ command: ShellLine) -> ShellLine { self.shell.inAppRoot(command) }

    // MARK: The user

    /// The app runs as a stand-in, because the owner of its startup file cannot be used.
    var isFallbackUser: Bool {
        guard let identity else { return false }
        return identity.isSwitched && identity.isStandIn
    }

    /// It runs as somebody who owns nothing and has no home, chosen or not.
    var isNobody: Bool {
        guard let identity, identity.isSwitched else { return false }
        return self.isFallbackUser || identity.userName == "nobody" || identity.account?.home == "/nonexistent"
    }

    /// What to type when the app runs as the wrong user; nothing if there is no sign of it.
    func remediesForUser(isSuspect: Bool) -> [Remedy] {
        guard let identity, isSuspect else { return [] }
        if self.isNobody { return self.remediesForNobody(identity) }
        return [
            Remedy(
                "The app \(identity.reason). If that is not who it should run as, give the startup file to the right user, "
                    + "or name that user in the front's configuration with passenger_user NAME."
            )
        ]
    }

    private func remediesForNobody(_ identity: RunningIdentity) -> [Remedy] {
        let file = self.startupFile ?? self.appRoot
        let owner = Self.homeOwner(of: self.appRoot)
        return [
            Remedy(
                "The app \(identity.reason). Give \(SafeText.name(file)) to the user whom the app shall run as"
                    + (owner == nil ? " (with that user's name in place of APP_USER)" : "") + ":",
                shell: "chown -h \(owner ?? "APP_USER"): \(file)"
            ),
            Remedy(
                "Or name that user in the server's block of the front's configuration, and reload the front:",
                configuration: "passenger_user \(owner ?? "APP_USER");"
            ),
        ]
    }

    /// "joe" for "/home/joe/shop": whose app it probably is.
    static func homeOwner(of path: String) -> String? {
        let parts = path.pathComponents
        return parts.count > 2 && parts[0] == "home" ? parts[1] : nil
    }
}
