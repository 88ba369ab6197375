// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

@testable import SpawnPlan

/// Failures as they come in, with a user, an app and settings that remedies can name.
enum DiagnosisBench {
    static let joe = identity("joe", because: "joe owns config.ru")
    static let nobody = identity(
        "nobody",
        because: "root owns config.ru, and no app ever runs as root",
        home: "/nonexistent",
        isStandIn: true
    )

    static func identity(
        _ name: String,
        because cause: String,
        home: String? = nil,
        isStandIn: Bool = false
    ) -> RunningIdentity {
        RunningIdentity(
            userName: name,
            groupName: name,
            uid: 1001,
            gid: 1001,
            groups: [1001],
            account: Account(name: name, uid: 1001, gid: 1001, home: home ?? "/home/\(name)", shell: "/bin/bash"),
            reason: "runs as \(name) because \(cause)",
            isSwitched: true,
            restsOnOwnership: true,
            isStandIn: isStandIn
        )
    }

    static func settings(_ more: [String: String] = [:], root: String = "/srv/shop") throws -> AppSettings {
        let entries = more.merging(["app_root": root]) { own, _ in own }
        return try AppSettings(SettingsList(entries.map { .init(name: $0.key, value: $0.value) }))
    }

    static func failure(
        _ category: SpawnFailure.Category = .app,
        kind: SpawnFailure.Kind? = nil,
        step: Journey.Step = .app,
        summary: String = "the process ended with exit code 1 before it was ready",
        detail: String = "",
        remedies: [Remedy] = [],
        output: String = "",
        identity: RunningIdentity? = joe,
        type: AppType = .rack,
        root: String = "/srv/shop",
        limits: [StartContext.ReportedLimit] = []
    ) -> SpawnFailure {
        let (file, program) =
            switch type {
            case .rack: ("config.ru", "ruby")
            case .classicRails: ("config/environment.rb", "ruby")
            case .wsgi: ("passenger_wsgi.py", "python3")
            case .asgi: ("passenger_asgi.py", "python3")
            case .node: ("app.js", "node")
            case .generic: ("", "/bin/sh")
            }
        let context = StartContext(
            id: ErrorID(1),
            identity: identity,
            program: StartContext.Program(
                appRoot: root,
                startupFile: file,
                kind: type.rawValue,
                arguments: [program],
                environment: []
            ),
            limits: limits,
            output: output
        )
        let cause = SpawnFailure.Cause(category, kind, summary, step: step, detail: detail, remedies: remedies)
        return context.failure(cause, at: .zero)
    }

    /// The words of a command line, quoted parts as one; those of a script for `sh -c` and of a list as well.
    static func words(of command: String) -> [String] {
        var words: [String] = [""]
        var isQuoted = false
        var isEscaped = false
        for character in command {
            if isEscaped {
                words[words.count - 1].append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "'" || character == "\"" {
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                words.append("")
            } else {
                words[words.count - 1].append(character)
            }
        }
        // A word that is a script.
        return words.flatMap { $0.hasPrefix("cd ") ? self.words(of: $0) : [$0] }
    }

    static func diagnosis(_ failure: SpawnFailure, root: String = "/srv/shop") throws -> FailureDiagnosis {
        FailureDiagnosis(failure, settings: try self.settings(root: root))
    }

    /// Of an app that printed this and ended.
    static func diagnosis(
        printing output: String,
        type: AppType = .rack,
        identity: RunningIdentity = joe
    ) throws -> FailureDiagnosis {
        try self.diagnosis(self.failure(output: output, identity: identity, type: type))
    }
}

extension FailureDiagnosis {
    var commands: [String] { self.remedies.compactMap(\.command) }
    /// Everything that is said, for tests that look for a word.
    var everything: String {
        let remedies = self.remedies.map(\.description)
        return ([self.title, self.explanation] + remedies).joined(separator: "\n")
    }
}
