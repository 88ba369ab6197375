// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// The matrix of users on the real programs: accounts of their own, an application for each row, all on one daemon.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(2)))
    struct UserMatrixTests {
        private typealias Accounts = OwnAccounts

        @Test func `every row of the matrix runs as the user of the rules, or fails and says why`() throws {
            let rows = MatrixRow.all
            #expect(rows.count == 4 * 5 * 3 * 3)
            let site = try Self.site(
                rows.map { row in
                    .init(
                        row.name,
                        from: nil,
                        settings: ["passenger_min_instances 0;"]
                            + (row.user.map { ["passenger_user \($0);"] } ?? [])
                            + (row.group.map { ["passenger_group \($0);"] } ?? [])
                    )
                }
            )
            try site.directory.write(Accounts.wsgi, to: "probe.py")
            try Self.run(rows.map { $0.script(in: site.directory.file("apps"), probe: "probe.py") }, in: site)
            try site.startDaemon()
            try site.startFront()
            let answers = try Answers.collect(rows.map(\.name), from: site)
            let groups = Dictionary(
                uniqueKeysWithValues: try site.status().groups.map { ($0.appRoot, $0) }
            )
            let log = site.log().split(separator: "\n")
            // Of m1 and not of m10.
            func lines(of root: String) -> [Substring] {
                log.filter { $0.pieces(between: root).dropFirst().contains { $0.first?.isNumber != true } }
            }
            for row in rows {
                let group = try #require(groups[site.root(of: row.name)], "\(row)")
                let response = try #require(answers[row.name], "\(row)")
                if let refusal = row.refusal {
                    #expect(response.status == 500, "\(row): \(response.text)")
                    for part in refusal { #expect(group.lastError?.summary.contains(part) == true, "\(row): \(group)") }
                    #expect(group.processes.isEmpty, "\(row)")
                } else {
                    #expect(response.status == 200, "\(row): \(response.text)\n\(group.lastError?.summary ?? "")")
                    Self.check(response, row.expectedUser, row.expectedGroup, "\(row)")
                    #expect(group.user == row.expectedUser.name && group.gid == row.expectedGroup, "\(row)")
                }
                // No user was found, so there is nothing to say about one.
                if row.namesNobody { continue }
                // The same sentence in the status and in the log.
                let reason = try #require(group.userReason, "\(row)")
                #expect(reason.hasPrefix("runs as \(row.expectedUser.name)"), "\(row): \(reason)")
                #expect(reason.contains(" with group ") == (row.expectedGroup != row.expectedUser.gid), "\(row)")
                let lines = lines(of: site.root(of: row.name))
                #expect(lines.contains { $0.contains(reason) }, "\(row): \(reason)\n\(lines)")
            }
            #expect(rows.count { $0.refusal != nil } == 45 + 27 + 12)
        }

        @Test(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"))
        func `each kind of startup file decides, and the root of a generic application`() throws {
            let generic = ["passenger_app_start_command \"/usr/bin/python3 server.py\";"]
            let owners = [("joe", Accounts.joe.uid), ("root", 0), ("unknown", Accounts.unknownUID)]
            let files = ["config.ru", "config/environment.rb", "passenger_wsgi.py", "app.js", "server.py"]
            let apps = files.enumerated().flatMap { number, file in
                owners.map { (name: "f\(number)\($0.0)", file: file, owner: $0.1) }
            }
            let site = try Self.site(
                apps.map { .init($0.name, from: nil, settings: $0.file == "server.py" ? generic : []) }
            )
            let ids = "#{Process.uid} #{Process.groups.sort.join(',')}"
            let texts = [
                "config.ru": "run ->(env) { [200, {'Content-Type' => 'text/plain'}, [\"ids: \(ids)\\n\"]] }\n",
                "config/environment.rb": "raise 'no framework here'\n",
                "passenger_wsgi.py": Accounts.wsgi,
                "app.js": """
                require('http').createServer((request, response) => {
                  response.end(`ids: ${process.getuid()} ${process.getgroups().sort().join(',')}\\n`);
                }).listen(3000);

                """,
                "server.py": Accounts.server,
            ]
            for app in apps {
                try site.directory.write(try #require(texts[app.file]), to: "apps/\(app.name)/\(app.file)")
            }
            try Self.run(apps.map { "chown -R \($0.owner):\($0.owner) \(site.root(of: $0.name))" }, in: site)
            try site.startDaemon()
            try site.startFront()
            let answers = try Answers.collect(apps.map(\.name), from: site)
            let groups = try site.status().groups
            for app in apps {
                let group = try #require(groups.first { $0.appRoot == site.root(of: app.name) })
                let response = try #require(answers[app.name])
                let user = app.owner == Accounts.joe.uid ? Accounts.joe : Accounts.nobody
                let what = app.file == "server.py" ? "the app root" : app.file
                #expect(group.user == user.name && group.uid == user.uid, "\(app)")
                #expect(group.userReason?.contains("owns \(what)") == true, "\(app): \(group.userReason ?? "")")
                // Such an application needs a framework that is not here; who it would run as is known all the same.
                if app.file == "config/environment.rb" {
                    #expect(response.status == 500 && group.lastError != nil, "\(app)")
                    continue
                }
                #expect(response.status == 200, "\(app): \(group.lastError?.summary ?? "")")
                if let words = response.field("ids")?.split(separator: " "), words.count == 2 {
                    let expected = Self.groups(user, user.gid).sorted().map(String.init).joined(separator: ",")
                    #expect(words[0] == "\(user.uid)" && words[1] == expected, "\(app): \(words)")
                } else {
                    Self.check(response, user, user.gid, "\(app)")
                }
            }
            // In the words of the tool, also for a group whose only start failed.
            let verbose = try Shell.run([
                Repository.program("passenger-status"), "--verbose", "--socket-file=\(site.socket)",
            ]).output
            #expect(verbose.contains("runs as joe because joe owns config/environment.rb"), "\(verbose)")
            #expect(verbose.contains("runs as nobody because root owns the app root"), "\(verbose)")
            #expect(verbose.contains("User: joe (uid 7001, gid 7001)"), "\(verbose)")
        }

        @Test func `with switching off everything runs as the default user and group`() throws {
            let site = try Self.site([
                .init("plain", from: nil),
                .init("set", from: nil, settings: ["passenger_user joe;", "passenger_group crew;"]),
            ])
            site.daemonFlags += ["--no-user-switching", "--default-user=mary", "--default-group=club"]
            try Self.makeApps(["plain", "set"], owner: Accounts.joe, in: site)
            try site.startDaemon()
            try site.startFront()
            for app in ["plain", "set"] {
                Self.check(try site.page(app), Accounts.mary, Accounts.club, Comment(rawValue: app))
            }
            let reason = "runs as mary with group club because user switching is off (--no-user-switching)"
            #expect(try site.status().groups.map(\.userReason) == [reason, reason])
            #expect(site.log().contains("passenger_user and passenger_group have no effect"))
        }

        @Test func `the flags narrow who applications may run as, and say so`() throws {
            let names = ["joe", "mary", "root", "set"]
            let site = try Self.site(
                names.map { .init($0, from: nil, settings: $0 == "set" ? ["passenger_user vic;"] : []) }
            )
            site.daemonFlags += ["--min-uid=7002", "--allowed-users=joe,mary", "--default-group=7102"]
            try Self.makeApps(["joe", "set"], owner: Accounts.joe, in: site)
            try Self.makeApps(["mary"], owner: Accounts.mary, in: site)
            try Self.makeApps(["root"], owner: nil, in: site)
            try site.startDaemon()
            try site.startFront()
            Self.check(try site.page("mary"), Accounts.mary, Accounts.mary.gid, "mary")
            // The default user is the operator's own choice.
            Self.check(try site.page("root"), Accounts.nobody, Accounts.extra, "root")
            #expect(try site.get("joe").status == 500 && site.get("set").status == 500)
            let groups = try site.status().groups
            func summary(_ name: String) -> String {
                groups.first { $0.appRoot == site.root(of: name) }?.lastError?.summary ?? ""
            }
            #expect(
                summary("joe") == "the app would run as joe because joe owns passenger_wsgi.py, "
                    + "but uid 7001 is below --min-uid (7002)"
            )
            #expect(
                summary("set") == "the app would run as vic because passenger_user is set to vic, "
                    + "but --allowed-users does not name that user"
            )
            #expect(site.log().contains("lower --min-uid") && site.log().contains("extend --allowed-users"))
        }

        @Test func `directories of others are let through with a warning if the operator says so, never those of all`()
            throws
        {
            let site = try Self.site(["linked", "shared", "open"].map { .init($0, from: nil) })
            site.daemonFlags.append("--ownership-check=warn")
            try Self.makeApps(["shared", "open"], owner: Accounts.joe, in: site)
            try site.directory.write(Accounts.wsgi, to: "apps/joes.py")
            let (joe, eve) = (Accounts.joe.uid, Accounts.eve.uid)
            try Self.run(
                [
                    "cd apps; mkdir -p linked; chown \(joe):\(joe) joes.py; ln joes.py linked/passenger_wsgi.py",
                    "chown \(eve) linked; chgrp \(Accounts.crew) shared; chmod 775 shared; chmod 777 open",
                ],
                in: site
            )
            try site.startDaemon()
            try site.startFront()
            for app in ["linked", "shared"] {
                Self.check(try site.page(app), Accounts.joe, Accounts.joe.gid, Comment(rawValue: app))
            }
            #expect(site.log().contains("(owner eve, mode 0755) belongs neither to joe nor to root"))
            #expect(site.log().contains("is writable by a group, gid \(Accounts.crew)"))
            #expect(try site.get("open").status == 500)
            #expect(site.log().contains("remedy=\"chmod o-w \(site.root(of: "open"))\""))
        }

        @Test func `a daemon without root runs all as itself, with its own groups`() throws {
            let site = try Self.site(
                [
                    .init("other", from: nil),
                    .init("set", from: nil, settings: ["passenger_user mary;", "passenger_max_instances 1;"]),
                ],
                daemonUID: Accounts.joe.uid
            )
            try Self.makeApps(["other", "set"], owner: Accounts.mary, in: site)
            try site.startDaemon()
            // Root opens no log and no PID file in a directory of somebody else.
            let place = try TestDirectory()
            try site.startFront(flags: ["--log-file=/dev/stderr", "--pid-file=\(place.file("front.pid"))"])
            for app in ["other", "set"] {
                let response = try site.page(app)
                let facts = ProcessFacts(pid: 0, status: response.text)
                #expect(facts.uids == Array(repeating: Accounts.joe.uid, count: 4), "\(response.text)")
                #expect(facts.gids == Array(repeating: Accounts.joe.gid, count: 4), "\(response.text)")
                #expect(facts.groups == [Accounts.extra], "\(response.text)")
                #expect(response.field("HOME") == Accounts.joe.home && response.field("USER") == "joe")
            }
            let reasons = try site.status().groups.map { $0.userReason ?? "" }
            #expect(reasons.allSatisfy { $0.hasPrefix("runs as joe because the daemon itself does") }, "\(reasons)")
            // Once per application, however often it starts.
            let pid = try #require(try site.processes(of: "set").first?.pid)
            _ = try ProcessHandle(pid: pid).signal(.kill)
            try eventually("another process") {
                try site.page("set").status == 200 && site.processes(of: "set").first?.pid != pid
            }
            let warnings = site.log().pieces(between: "passenger_user has no effect").count - 1
            #expect(warnings == 1, "\(warnings) warnings")
        }

        @Test func `a daemon whose user has no account starts nothing and names the number`() throws {
            let site = try Self.site([.init("app", from: nil)], daemonUID: Accounts.unknownUID)
            try Self.makeApps(["app"], owner: Accounts.mary, in: site)
            try site.startDaemon()
            // Root opens no log and no PID file in a directory of somebody else.
            let place = try TestDirectory()
            try site.startFront(flags: ["--log-file=/dev/stderr", "--pid-file=\(place.file("front.pid"))"])
            #expect(try site.get("app").status == 500)
            #expect(
                try site.status().groups.first?.lastError?.summary
                    == "the daemon runs with uid 7999, which has no account, so apps cannot run as its user"
            )
        }
    }
}

extension Integration.UserMatrixTests {
    /// A site whose programs see accounts of their own, and nothing else of the test's user.
    fileprivate static func site(_ apps: [Site.App], daemonUID: UInt32? = nil) throws -> Site {
        let site = try Site(
            apps: apps,
            daemonFlags: ["--max-pool-size=24"],
            httpSettings: ["passenger_load_shell_envvars off;"]
        )
        let wrapper = try OwnAccounts.wrapper(in: site.directory)
        site.daemonWrapper = wrapper
        site.frontWrapper = wrapper
        guard let daemonUID else { return site }
        // The programs may lie where that user cannot go.
        let programs = site.directory.file("bin")
        for name in ["flying-passenger", Launcher.helperName] {
            try Self.run(["mkdir -p \(programs) && cp \(Repository.program(name)) \(programs)/"], in: site)
        }
        site.daemonProgram = "\(programs)/flying-passenger"
        site.daemonWrapper += [
            "setpriv", "--reuid=\(daemonUID)", "--regid=\(daemonUID)", "--groups=\(OwnAccounts.extra)",
        ]
        site.daemonFlags.append("--socket-mode=0666")
        try Files.setOwner(site.directory.path, owner: daemonUID, group: daemonUID)
        return site
    }

    fileprivate static func run(_ lines: [String], in site: Site) throws {
        let script = try site.directory.write("set -e\n" + lines.joined(separator: "\n") + "\n", to: "prepare")
        let outcome = try Shell.run(["/bin/bash", script], in: site.directory.path)
        guard outcome.status.isSuccess else {
            throw RunningProgram.Failure.ended("prepare", outcome.status, output: outcome.output)
        }
    }

    fileprivate static func makeApps(_ names: [String], owner: OwnAccounts.User?, in site: Site) throws {
        for name in names {
            try site.directory.write(OwnAccounts.wsgi, to: "apps/\(name)/passenger_wsgi.py")
        }
        guard let owner else { return }
        try run(names.map { "chown -R \(owner.uid):\(owner.gid) apps/\($0)" }, in: site)
    }

    /// What a login of the user would have, with the given primary group.
    fileprivate static func groups(_ user: OwnAccounts.User, _ gid: UInt32) -> Set<UInt32> {
        Set([gid] + (OwnAccounts.memberships[user.name] ?? []))
    }

    /// Ids, groups, variables, capabilities; and that none of it can be changed.
    fileprivate static func check(
        _ response: HTTPResponse,
        _ user: OwnAccounts.User,
        _ gid: UInt32,
        _ row: Comment
    ) {
        let facts = ProcessFacts(pid: 0, status: response.text)
        #expect(facts.uids == Array(repeating: user.uid, count: 4), row)
        #expect(facts.gids == Array(repeating: gid, count: 4), row)
        #expect(Set(facts.groups) == groups(user, gid), row)
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(response.field(name) == "0000000000000000", row)
        }
        #expect(response.field("USER") == user.name && response.field("LOGNAME") == user.name, row)
        #expect(response.field("HOME") == user.home, row)
        #expect(response.field("SHELL") == user.shell, row)
        #expect(response.field("regained") == "denied", row)
        #expect(response.field("umask") == "22", row)
    }
}

/// Answers to one request each, of several clients at once.
private final class Answers: Sendable {
    private let left: Mutex<[String]>
    private let answers = Mutex<[String: HTTPResponse]>([:])
    private let port: UInt16

    private init(_ names: [String], port: UInt16) {
        left = Mutex(names)
        self.port = port
    }

    static func collect(_ names: [String], from site: Site) throws -> [String: HTTPResponse] {
        let answers = Answers(names, port: site.port)
        let threads = try (0..<4).map { number in try OSThread.start(name: "asker-\(number)") { answers.ask() } }
        for thread in threads { thread.join() }
        return answers.answers.withLock { $0 }
    }

    private func ask() {
        while let name = left.withLock({ $0.popLast() }) {
            // What has no answer is missed by the test.
            let answer = try? HTTPConnection(port: port).get("/", host: "\(name).localhost")
            answers.withLock { $0[name] = answer }
        }
    }
}
