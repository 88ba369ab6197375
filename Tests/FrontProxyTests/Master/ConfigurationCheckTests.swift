// SPDX-License-Identifier: MIT

import FrontConfiguration
import Testing

@testable import FrontProxy

/// A machine with a few directories.
private struct Machine: MachineFacts {
    var isRoot = true
    var firstFreePort = 1024
    var maxOpenFiles = 4096
    var files: [String: FileLook] = [
        "/": .directory(owner: 0, group: 0, mode: 0o755), "/home": .directory(owner: 0, group: 0, mode: 0o755),
        "/home/joe": .directory(owner: 1000, group: 1000, mode: 0o700),
        "/home/joe/app": .directory(owner: 1000, group: 1000, mode: 0o755),
        "/home/joe/app/public": .directory(owner: 1000, group: 1000, mode: 0o755),
        "/srv": .directory(owner: 0, group: 0, mode: 0o755), "/srv/app": .directory(owner: 0, group: 33, mode: 0o750),
        "/srv/app/config.ru": .file, "/srv/app/app.js": .file, "/srv/secret": .hidden, "/usr/bin/ruby": .file,
        "/var/log": .directory(owner: 0, group: 4, mode: 0o755), "/tmp": .directory(owner: 0, group: 0, mode: 0o1777),
        "/open": .directory(owner: 0, group: 0, mode: 0o777),
    ]

    func look(at path: String) -> FileLook { files[path] ?? .missing }
    func canWrite(in directory: String) -> Bool { isRoot || directory == "/tmp" }
    func problem(ofLog path: String) -> String? {
        ["/tmp/", "/open/", "/home/joe/"].contains { path.hasPrefix($0) } && isRoot
            ? "joe could lead it elsewhere" : nil
    }
    func problem(ofApp root: String, startupFiles: [String]) -> String? { root == "/open/app" ? "joe could too" : nil }
    func problem(ofDocumentRoot path: String) -> String? { path == "/srv" ? "joe made a link" : nil }
    func hasUser(_ name: String) -> Bool? { name == "unknowable" ? nil : name == "joe" }
    func hasGroup(_ name: String) -> Bool? { name == "unknowable" ? nil : name == "staff" }
}

struct ConfigurationCheckTests {
    private func finding(_ kind: MachineSubject.Kind, isRoot: Bool = true) -> Diagnostic? {
        let check = ConfigurationCheck(
            account: .init(name: "www-data", uid: 33, groups: [33]),
            machine: Machine(isRoot: isRoot)
        )
        return check.report([MachineSubject(kind, at: SourceLocation(file: "f.conf", line: 7))]).findings.first
    }

    /// An interpreter of the app in /srv/app, which has a config.ru and an app.js.
    private static func interpreter(_ setting: String, _ path: String, own: [String]) -> MachineSubject.Kind {
        .interpreter(
            MachineSubject.Interpreter(
                path: path,
                setting: setting,
                appRoot: "/srv/app",
                startupFiles: ["config.ru", "passenger_wsgi.py", "app.js"],
                ownStartupFiles: own
            )
        )
    }

    @Test func `apps that will not start are counted once`() {
        let check = ConfigurationCheck(
            account: .init(name: "www-data", uid: 33, groups: [33]),
            machine: Machine()
        )
        let place = SourceLocation(file: "f.conf", line: 7)
        let report = check.report([
            MachineSubject(.user("jeo"), at: place, apps: [1, 2]),
            MachineSubject(.environmentFile("/srv/none"), at: place, apps: [2]),
            MachineSubject(.group("staff"), at: place, apps: [3]), MachineSubject(.instances(99), at: place),
        ])
        #expect(report.findings.count == 3)
        #expect(report.appsThatWillNotStart == [1, 2])
    }

    @Test(arguments: [
        (MachineSubject.Kind.user("jeo"), Diagnostic.Severity.error, "there is no user \"jeo\""),
        (.group("stuff"), .error, "there is no group \"stuff\""),
        (.appRoot("/srv/none", startupFiles: ["config.ru"]), .warning, "the app root /srv/none does not exist"),
        (.appRoot("/srv/app/config.ru", startupFiles: []), .warning, "is no directory"),
        (.appRoot("/srv/app", startupFiles: ["y.js", "x.js"]), .warning, "no startup file (y.js, x.js)"),
        (.environmentFile("/srv/app/.env"), .warning, "the environment file /srv/app/.env does not exist"),
        (.environmentFile("/srv/app"), .warning, "is a directory"),
        (interpreter("ruby", "/none", own: ["config.ru"]), .warning, "passenger_ruby /none does not exist"),
        (interpreter("ruby", "/srv", own: ["config.ru"]), .warning, "passenger_ruby /srv is a directory"),
        (.instances(7), .warning, "--max-pool-size=7"),
        (.documentRoot("/srv/none"), .warning, "the document root /srv/none does not exist"),
        (.documentRoot("/srv/app/config.ru"), .warning, "is no directory"),
        (
            .documentRoot("/home/joe/app/public"), .warning,
            "www-data, the user of the worker, cannot enter /home/joe, so"
        ),
        (
            .documentRoot("/home/joe/app/public"), .warning,
            "remedy=\"Give the front's user the right to pass through it, for example: chmod o+x /home/joe\""
        ),
        (.log("/var/lgo/a.log"), .error, "the directory /var/lgo of this log does not exist"),
        (.log("/srv/app/config.ru/a"), .error, "is no directory"),
        (.log("/open/a.log"), .error, "this log will not be opened: joe could lead it elsewhere"),
        (.log("/tmp/a.log"), .error, "this log will not be opened"),
        (
            .owner(appRoot: "/open/app", startupFiles: ["config.ru"]), .warning,
            "will not start the application in /open/app: joe"
        ),
        (.documentRoot("/srv"), .warning, "no file in the document root /srv will be served: joe made a link"),
        (.log("/srv/secret/a.log"), .warning, "cannot be looked at"),
        (.listen(.unix(path: "/none/x.sock")), .error, "the directory /none of this socket does not exist"),
    ])
    func `what will not work is found, with its place`(
        kind: MachineSubject.Kind,
        severity: Diagnostic.Severity,
        message: String
    ) {
        let found = finding(kind)
        #expect(found?.severity == severity && found?.message.contains(message) == true, "\(String(describing: found))")
        #expect(found?.file == "f.conf" && found?.line == 7)
    }

    @Test(arguments: [
        MachineSubject.Kind.user("joe"), .user("unknowable"), .group("staff"), .group("unknowable"),
        .appRoot("/srv/app", startupFiles: ["app.js", "config.ru"]), .appRoot("/home/joe/app", startupFiles: []),
        .appRoot("/srv/secret", startupFiles: ["config.ru"]),
        .appRoot("/srv/app", startupFiles: ["/srv/app/config.ru"]),
        .documentRoot("/srv/app"), .log("/var/log/a.log"), .openFiles(1 << 20),
        .owner(appRoot: "/srv/app", startupFiles: []), .environmentFile("/srv/app/config.ru"),
        .environmentFile("/srv/secret"), .instances(6), interpreter("ruby", "/usr/bin/ruby", own: ["config.ru"]),
        interpreter("ruby", "/srv/secret", own: ["config.ru"]), interpreter("nodejs", "/none", own: ["app.js"]),
        .listen(.tcp(host: "0.0.0.0", port: 80)), .listen(.unix(path: "/tmp/x.sock")),
    ])
    func `what works is nothing to speak of`(_ kind: MachineSubject.Kind) {
        #expect(finding(kind) == nil)
    }

    @Test(arguments: [
        (
            MachineSubject.Kind.listen(.tcp(host: "0.0.0.0", port: 80)), Diagnostic.Severity.warning,
            "only root may listen"
        ),
        (.openFiles(4097), .error, "only root may raise the limit on open files above 4096"),
        (.log("/var/log/a.log"), .error, "this log cannot be written"),
    ])
    func `without root there is more that does not work`(
        kind: MachineSubject.Kind,
        severity: Diagnostic.Severity,
        message: String
    ) {
        let found = finding(kind, isRoot: false)
        #expect(found?.severity == severity && found?.message.contains(message) == true, "\(String(describing: found))")
    }

    @Test(arguments: [
        MachineSubject.Kind.listen(.tcp(host: "0.0.0.0", port: 1024)), .openFiles(4096), .log("/tmp/a.log"),
        .log("/open/a"),
    ])
    func `without root the rest is as it is`(_ kind: MachineSubject.Kind) {
        guard case .log("/open/a") = kind else { return #expect(finding(kind, isRoot: false) == nil) }
        // Not ours to write to, which says it all.
        #expect(finding(kind, isRoot: false)?.severity == .error)
    }
}
