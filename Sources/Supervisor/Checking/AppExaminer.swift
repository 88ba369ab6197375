// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import NIOCore
import ShownText
import SpawnPlan
import WireProtocol

/// Looks at apps as a start does, up to its launch, with the flags of a daemon.
struct AppExaminer {
    let options: SpawnerOptions
    let policy: PeerPolicy
    /// Keeps the time.
    let eventLoop: any EventLoop
    /// How long a file system or an account database may take.
    var patience = Duration.seconds(15)

    private struct Examined: Sendable {
        let failure: SpawnFailure?
        let warnings: [String]
    }

    func verdict(on app: DeclaredApp) -> AppVerdict {
        let key = GroupKey(namespace: app.uid.map { .uid($0) } ?? .authority, name: app.name)
        let entries = app.settings.map { SettingsList.Entry(name: $0.name, value: $0.value) }
        let settings: AppSettings
        do throws(SettingsError) {
            settings = try AppSettings(SettingsList(entries))
        } catch {
            return Self.refused(key, error.description)
        }
        if app.uid != nil, let objection = self.policy.objection(toOwnerSettings: settings) {
            return Self.refused(key, objection)
        }
        let authority: SettingsAuthority = app.uid.map { .owner(uid: $0) } ?? .full
        let request = SpawnRequest(
            key: key,
            settings: settings,
            authority: authority,
            processID: ProcessID(rawValue: 0)
        )
        return self.verdict(on: request)
    }

    private func verdict(on request: SpawnRequest) -> AppVerdict {
        let look = PreparationLook()
        do {
            guard let examined = try self.examine(request, look) else {
                let cause = look.timeout(self.patience, appRoot: request.settings.appRoot)
                return Self.refused(request.key, cause.summary, cause.remedies)
            }
            var verdict =
                examined.failure.map { Self.refused(request.key, $0.summary, $0.remedies) }
                ?? AppVerdict(subject: request.key.description, outcome: .accepted)
            verdict.warnings = examined.warnings
            return verdict
        } catch {
            return Self.refused(request.key, "it could not be looked at: \(error)")
        }
    }

    /// On a thread that may hang for ever; nil when it took too long.
    private func examine(_ request: SpawnRequest, _ look: PreparationLook) throws -> Examined? {
        let promise = self.eventLoop.makePromise(of: Examined?.self)
        let timer = self.eventLoop.scheduleTask(in: TimeAmount(self.patience)) { promise.succeed(nil) }
        let options = self.options
        do throws(SystemError) {
            try OSThread.startDetached(name: "check") {
                var preparation = SpawnPreparation(request, options: options, look: look)
                let failure = preparation.check()
                promise.succeed(Examined(failure: failure, warnings: preparation.warnings))
            }
        } catch {
            promise.fail(error)
        }
        let examined = try promise.futureResult.wait()
        timer.cancel()
        return examined
    }

    private static func refused(_ key: GroupKey, _ reason: String, _ remedies: [Remedy] = []) -> AppVerdict {
        AppVerdict(subject: key.description, outcome: .refused(reason, remedies: remedies))
    }
}
