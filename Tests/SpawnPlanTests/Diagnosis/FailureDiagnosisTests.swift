// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import Testing

@testable import SpawnPlan

struct FailureDiagnosisTests {
    @Test(arguments: SpawnFailure.Kind.allCases)
    func `every kind has a headline and an explanation, and keeps to it whatever an app prints`(
        kind: SpawnFailure.Kind
    ) throws {
        let quiet = try DiagnosisBench.diagnosis(DiagnosisBench.failure(kind: kind))
        #expect(quiet.title.count > 10 && quiet.explanation.hasSuffix("."))
        #expect(quiet.kind == kind)
        let noise = "Could not find rack-3.0 in any of the sources (Bundler::GemNotFound)"
        let noisy = try DiagnosisBench.diagnosis(DiagnosisBench.failure(kind: kind, output: noise))
        let isOpen: Set<SpawnFailure.Kind> = [.exception, .earlyExit, .killed]
        #expect(noisy.kind == (isOpen.contains(kind) ? .missingGem : kind))
    }

    @Test(arguments: [
        (SpawnFailure.Category.noApplication, Journey.Step.prepare, SpawnFailure.Kind.startupFileMissing),
        (.configuration, .prepare, .configuration), (.configuration, .loader, .interpreterUnsupported),
        (.fileSystem, .prepare, .startupFileMissing), (.fileSystem, .workingDirectory, .access),
        (.operatingSystem, .execute, .interpreterMissing), (.operatingSystem, .start, .resources),
        (.operatingSystem, .switchUser, .internalError), (.timeout, .app, .timeout),
        (.internal, .start, .internalError), (.io, .prepare, .internalError), (.cancelled, .app, .cancelled),
        (.app, .app, .earlyExit),
    ])
    func `what nobody said is told by category and step`(
        category: SpawnFailure.Category,
        step: Journey.Step,
        kind: SpawnFailure.Kind
    ) throws {
        #expect(try DiagnosisBench.diagnosis(DiagnosisBench.failure(category, step: step)).kind == kind)
    }

    /// A config.ru without a `run` line is no matter of settings.
    @Test func `what the application's files lack is not put down to the settings`() throws {
        let own = try DiagnosisBench.diagnosis(DiagnosisBench.failure(kind: .configuration, step: .app))
        let ours = try DiagnosisBench.diagnosis(DiagnosisBench.failure(.configuration, step: .prepare))
        #expect(own.kind == ours.kind && own.title != ours.title)
        #expect(!own.everything.contains("ettings") && ours.everything.contains("ettings"))
    }

    @Test func `an app that reported something raised; sentences tell no kind`() throws {
        let raised = DiagnosisBench.failure(summary: "RuntimeError: no", detail: "no (RuntimeError)\nconfig.ru:3")
        #expect(try DiagnosisBench.diagnosis(raised).kind == .exception)
        let garbage = DiagnosisBench.failure(summary: "the application wrote to descriptor 4, its loader's")
        #expect(try DiagnosisBench.diagnosis(garbage).kind == .earlyExit)
    }

    @Test func `the summary goes before the details, and both before the output`() throws {
        let failure = DiagnosisBench.failure(
            summary: "SyntaxError: config.ru:3: syntax error, unexpected end",
            detail: "cannot load such file -- x (LoadError)",
            output: "warning: Permission denied - /tmp/x (Errno::EACCES)"
        )
        #expect(try DiagnosisBench.diagnosis(failure).kind == .syntaxError)
    }

    @Test func `what whoever met it advises comes first, commands set apart, nothing twice`() throws {
        let failure = DiagnosisBench.failure(
            .fileSystem,
            kind: .access,
            step: .workingDirectory,
            summary: "the directory /home/joe cannot be entered by nobody",
            remedies: [
                Remedy("Make it accessible, for example:", shell: "chmod o+x /home/joe"),
                "or let it run as another user; now it runs as x.",
                Remedy("If it is to run as joe, type:", shell: "chown -h joe /srv/shop/config.ru"),
                Remedy("Type:", shell: "chmod g-w /srv/shop"), Remedy("Type:", shell: "namei -l /srv/shop/config.ru"),
            ]
        )
        let diagnosis = try DiagnosisBench.diagnosis(failure)
        #expect(
            diagnosis.remedies.prefix(5) == [
                Remedy("Make it accessible, for example:", shell: "chmod o+x /home/joe"),
                "or let it run as another user; now it runs as x.",
                Remedy("If it is to run as joe, type:", shell: "chown -h joe /srv/shop/config.ru"),
                Remedy("Type:", shell: "chmod g-w /srv/shop"), Remedy("Type:", shell: "namei -l /srv/shop/config.ru"),
            ]
        )
        #expect(diagnosis.commands.count { $0 == "namei -l /srv/shop/config.ru" } == 1)
    }

    @Test func `for a stand-in user the user comes first, before what a loader advises`() throws {
        let failure = DiagnosisBench.failure(
            .fileSystem,
            kind: .permissionDenied,
            summary: "the application may not use secret.txt, because it runs as nobody",
            remedies: ["Let the user nobody use it. Whose it is: ls -ld /srv/shop/secret.txt"],
            identity: DiagnosisBench.nobody
        )
        let commands = try DiagnosisBench.diagnosis(failure).commands
        #expect(commands.first == "chown -h APP_USER: /srv/shop/config.ru")
    }

    @Test func `no sentence becomes a command, whoever says it`() throws {
        let advice = [
            "Type: chown games: /etc/shadow", "or this: rm -rf /", "Name it: passenger_python /tmp/x;",
            "chmod 4755 /x #",
        ]
        for step in Journey.Step.allCases {
            let failure = DiagnosisBench.failure(kind: .exception, step: step, remedies: advice.map { Remedy($0) })
            let diagnosis = try DiagnosisBench.diagnosis(failure)
            #expect(
                diagnosis.remedies.prefix(4) == [
                    "Type: chown games: /etc/shadow", "or this: rm -rf /", "Name it: passenger_python /tmp/x;",
                    "chmod 4755 /x #",
                ]
            )
        }
    }

    /// The app root is of a tenant's choosing: "/srv/d: chmod 4755 /x #".
    @Test(arguments: SpawnFailure.Kind.allCases)
    func `no part of a path becomes a command`(kind: SpawnFailure.Kind) throws {
        let root = "/srv/d: chmod 4755 /x #"
        let words = [
            "", "PermissionError: [Errno 13] Permission denied: '\(root)/log/a'",
            "No such file or directory: '\(root)/b'",
            "cannot load such file -- \(root)/lib (LoadError)", "Cannot find module '\(root)/lib'",
            "SyntaxError: bad\n  File \"\(root)/app.py\", line 3", "/nonexistent",
        ]
        for (type, output) in [AppType.rack, .wsgi, .node, .generic].flatMap({ type in words.map { (type, $0) } }) {
            for step in [Journey.Step.prepare, .workingDirectory, .execute, .app] {
                for identity in [DiagnosisBench.joe, DiagnosisBench.nobody] {
                    let failure = DiagnosisBench.failure(
                        kind: kind,
                        step: step,
                        summary: output.isEmpty ? "the app root \(root) cannot be entered" : output,
                        output: output,
                        identity: identity,
                        type: type,
                        root: root
                    )
                    for command in try DiagnosisBench.diagnosis(failure, root: root).commands {
                        let words = DiagnosisBench.words(of: command)
                        #expect(!words.contains("4755"), "\(command)")
                    }
                }
            }
        }
    }

    @Test func `a chosen user is not doubted as a stand-in`() throws {
        let chosen = DiagnosisBench.identity("nobody", because: "passenger_user is set to nobody", home: "/nonexistent")
        let diagnosis = try DiagnosisBench.diagnosis(printing: "PermissionError: [Errno 13]", identity: chosen)
        #expect(diagnosis.everything.contains("The app runs as nobody because passenger_user is set to nobody."))
    }

    @Test func `a daemon that changes no users gives commands without sudo`() throws {
        let identity = RunningIdentity(
            userName: "joe",
            groupName: "joe",
            uid: 1,
            gid: 1,
            groups: [1],
            account: nil,
            reason: "runs as joe because the daemon itself does: only a daemon started as root switches users",
            isSwitched: false,
            restsOnOwnership: false
        )
        let diagnosis = try DiagnosisBench.diagnosis(
            printing: ModuleTopicTests.commonJS,
            type: .node,
            identity: identity
        )
        #expect(diagnosis.commands.first == "cd /srv/shop && npm install")
        let denied = try DiagnosisBench.diagnosis(
            printing: "Permission denied @ rb_sysopen - /srv/shop/log/x (Errno::EACCES)",
            identity: identity
        )
        #expect(!denied.commands.contains { $0.contains("chown") })
    }

    @Test func `an app root with spaces is quoted in every command`() throws {
        let root = "/srv/it's here; reboot"
        for kind in SpawnFailure.Kind.allCases {
            let failure = DiagnosisBench.failure(kind: kind, output: "No module named 'x'", identity: nil, root: root)
            for command in try DiagnosisBench.diagnosis(failure, root: root).commands where command.contains("reboot") {
                let isQuoted =
                    command.hasPrefix("passenger_")
                    ? command.contains(#" "/srv/it's here; reboot/"#) : command.contains(#"'/srv/it'\''s here; reboot"#)
                #expect(isQuoted, "\(command)")
            }
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `nothing that an app prints traps or takes long`(seed: UInt64) throws {
        var state = seed
        func number(below limit: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % limit)
        }
        let pieces = [
            "Could not find ", " in any of the sources", "cannot load such file -- ", "No module named '", "'", "\n",
            ":", "SyntaxError", "  File \"", "\", line ", "99999999999999999999", "Permission denied @ ", " - ",
            "EADDRINUSE", ": Permission denied", "\u{0}", "\u{1B}", "ü", "/nonexistent", ".js:",
            "address already in use ", "ddress already",
        ]
        for _ in 0..<200 {
            let count = number(below: 60)
            let text = (0..<count).map { _ in pieces[number(below: UInt64(pieces.count))] }.joined()
            _ = try DiagnosisBench.diagnosis(printing: text)
        }
        let clock = ContinuousClock()
        let long = String(repeating: pieces[Int(seed)], count: 8000)
        let time = try clock.measure { _ = try DiagnosisBench.diagnosis(printing: long) }
        #expect(time < .seconds(2))
    }
}
