// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import Testing

@testable import SpawnPlan

/// What Ruby 3.1, Python 3.11, Node 20 and sh printed as nobody, word for word; paths are of the bench's app.
struct PermissionTopicTests {
    static let outputs: [(AppType, String, path: String)] = [
        (
            .rack,
            "config.ru:1:in `initialize': Permission denied @ rb_sysopen - /srv/shop/log/production.log (Errno::EACCES)"
                + "\n\tfrom config.ru:1:in `open'",
            "/srv/shop/log/production.log"
        ),
        (
            .wsgi,
            "Traceback (most recent call last):\n  File \"/srv/shop/passenger_wsgi.py\", line 1, in <module>\n    open("
                + "\"/srv/shop/logs/app.log\",\"a\")\nPermissionError: [Errno 13] Permission denied: '/srv/shop/logs/app.log'",
            "/srv/shop/logs/app.log"
        ),
        (
            .node,
            "node:fs:2380\n    return binding.writeFileUtf8(\n                   ^\n\nError: EACCES: permission denied, open "
                + "'/srv/shop/log/app.log'\n    at Object.writeFileSync (node:fs:2380:20)",
            "/srv/shop/log/app.log"
        ),
    ]

    @Test(arguments: outputs.indices)
    func `a log directory that is closed to the user`(number: Int) throws {
        let (type, output, path) = Self.outputs[number]
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: type)
        #expect(diagnosis.kind == .permissionDenied)
        let directory = path.contains("/logs/") ? "logs" : "log"
        #expect(
            diagnosis.commands == ["namei -l \(path)"],
            "root is to change nothing where the app's user could put a link"
        )
        let first = try #require(diagnosis.remedies.first?.text)
        #expect(first.hasPrefix("joe must be able to write to its log directory, /srv/shop/\(directory)."))
        #expect(diagnosis.everything.contains("The app runs as joe because joe owns config.ru."))
    }

    @Test(arguments: outputs.indices)
    func `for nobody the user is the first thing to be looked at`(number: Int) throws {
        let (type, output, path) = Self.outputs[number]
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: type, identity: DiagnosisBench.nobody)
        #expect(diagnosis.commands.first?.hasPrefix("chown -h APP_USER: /srv/shop/") == true)
        #expect(diagnosis.commands.dropFirst().first == "passenger_user APP_USER;")
        #expect(diagnosis.commands.last == "namei -l \(path)")
    }

    @Test(arguments: [
        (AppType.rack, "Permission denied @ rb_sysopen - log/production.log (Errno::EACCES)"),
        (.wsgi, "PermissionError: [Errno 13] Permission denied: 'log/production.log'"),
    ])
    func `a relative path is one of the app root`(type: AppType, output: String) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: type)
        #expect(diagnosis.commands == ["namei -l /srv/shop/log/production.log"])
        let nobody = try DiagnosisBench.diagnosis(printing: output, type: type, identity: DiagnosisBench.nobody)
        #expect(nobody.commands.count == 3 && !nobody.commands.contains { $0.contains("chown -hR") })
    }

    @Test func `an app below a home directory is probably that user's`() throws {
        let root = "/home/amy/shop"
        let failure = DiagnosisBench.failure(
            output: "PermissionError: [Errno 13] Permission denied: '/home/amy/shop/settings.py'",
            identity: DiagnosisBench.nobody,
            type: .wsgi,
            root: root
        )
        let diagnosis = try DiagnosisBench.diagnosis(failure, root: root)
        #expect(diagnosis.commands.first == "chown -h amy: /home/amy/shop/passenger_wsgi.py")
        #expect(diagnosis.commands.dropFirst().first == "passenger_user amy;")
    }

    @Test(arguments: [
        "Permission denied @ rb_sysopen - /etc/shadow (Errno::EACCES)",
        "Permission denied @ rb_sysopen - /srv/shop/log/../../../etc/shadow (Errno::EACCES)",
        "Permission denied @ rb_sysopen - /srv/shop/link/etc/shadow (Errno::EACCES)",
        "Permission denied @ rb_sysopen - /srv/shopping/log/x (Errno::EACCES)",
    ])
    func `no app gets a file given that is not below its root, nor behind a link`(output: String) throws {
        let commands = try DiagnosisBench.diagnosis(printing: output).commands
        #expect(commands.contains { $0.hasPrefix("namei -l /") })
        #expect(!commands.contains { $0.contains("chown") && !$0.hasSuffix(": /srv/shop/log") }, "\(commands)")
    }

    @Test func `a program that may not be executed`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(
            printing: "sh: 1: /srv/shop/run: Permission denied",
            type: .generic
        )
        #expect(diagnosis.kind == .permissionDenied)
        #expect(diagnosis.commands == ["namei -l /srv/shop/run"])
    }

    @Test func `without a path the output has to do`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: "Errno::EACCES: Permission denied")
        #expect(diagnosis.kind == .permissionDenied)
        #expect(diagnosis.commands == ["namei -l PATH"])
    }

    @Test(arguments: [
        (
            AppType.rack,
            "config.ru:1:in `mkdir': No such file or directory @ dir_s_mkdir - /nonexistent/.cache (Errno::ENOENT)"
        ),
        (.wsgi, "PermissionError: [Errno 13] Permission denied: '/nonexistent'"),
        (.node, "Error: EACCES: permission denied, mkdir '/nonexistent/.npm'"),
    ])
    func `the home of nobody`(type: AppType, output: String) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: type, identity: DiagnosisBench.nobody)
        #expect(diagnosis.kind == .permissionDenied)
        #expect(diagnosis.commands.first?.hasPrefix("chown -h APP_USER: /srv/shop/") == true)
        #expect(diagnosis.commands.last == "passenger_env_var HOME /srv/shop/tmp;")
        #expect(diagnosis.everything.contains("home directory /nonexistent does not exist"))
    }

    @Test func `a file that is not there, or not seen`() throws {
        let failure = DiagnosisBench.failure(
            summary: "FileNotFoundError: [Errno 2] No such file or directory: 'config/x.ini'",
            detail: "Traceback",
            type: .wsgi
        )
        let diagnosis = try DiagnosisBench.diagnosis(failure)
        #expect(diagnosis.kind == .exception)
        #expect(diagnosis.commands.first == "namei -l /srv/shop/config/x.ini")
        #expect(diagnosis.everything.contains("joe cannot see it"))
    }
}
