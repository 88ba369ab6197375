// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Who decides what lies at an app root: users who lead it elsewhere, and all the layouts that are nobody's trick.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(2)))
    struct PathTests {
        /// An application with its root, relative to the directory of applications unless it is absolute.
        struct Row {
            let name: String
            let root: String
            /// Made in the directory of applications, as root, with `app OWNER DIRECTORY`, `own USER FILE…` and `acl UID FILE`.
            let script: String
            var settings: [String] = []
            /// As whom it runs; nil: it must not.
            var user: OwnAccounts.User?
            /// Each in the reason for which it does not, or in a warning of the log.
            var told: [String] = []
            /// Each among what to do about it.
            var remedies: [String] = []
        }

        /// Before the walk was judged each of these ran as Mary.
        private static let attacks = [
            Row(
                name: "current",
                root: "eve/current",
                script: "app mary mary/app; mkdir eve; ln -s ../mary/app eve/current; own eve eve eve/current",
                told: ["/eve (owner eve, mode 0755) belongs neither to mary nor to root", "so eve could put another"],
                remedies: ["set passenger_user", "--trust-owner=eve"]
            ),
            Row(
                name: "swapped",
                root: "eve2/app",
                script: "mkdir eve2; app mary eve2/app; own eve eve2",
                told: ["/eve2 (owner eve, mode 0755) belongs neither to mary nor to root"],
                remedies: ["chown mary", "set passenger_user"]
            ),
            Row(
                name: "linked",
                root: "links/app",
                // Everybody may make a link in a sticky directory.
                script: "mkdir links; chmod 1777 links; ln -s ../mary/app links/app; own eve links/app",
                told: ["links (owner root, mode 01777) is writable by everybody"]
            ),
            Row(
                name: "plain777",
                root: "open/app",
                script: "mkdir open; app mary open/app; chmod 777 open",
                told: ["/open (owner root, mode 0777) is writable by everybody"],
                remedies: ["chmod o-w"]
            ),
            Row(
                name: "group",
                root: "shared",
                script: "app mary shared; chgrp 7100 shared; chmod 2775 shared",
                told: ["the app root (owner mary, mode 02775) is writable by a group, gid 7100 (crew)"],
                remedies: ["chmod g-w", "set passenger_user", "--trust-owner=:crew"]
            ),
            Row(
                name: "primary",
                root: "users",
                // A primary group that somebody else is in.
                script: "app vic users; chgrp 7003 users; chmod 775 users",
                told: ["is writable by a group, gid 7003 (vic)"]
            ),
            Row(
                name: "list",
                root: "acl",
                script: "app mary acl; acl 7004 acl",
                told: ["lets eve write by its access list"],
                remedies: ["setfacl -x u:7004"]
            ),
            Row(
                name: "variables",
                root: "vars",
                script: "app mary vars; mkdir evil; echo PYTHONPATH=/evil > evil/env; own eve evil evil/env",
                settings: ["passenger_env_file APPS/evil/env;"],
                told: ["could say what runs as mary", "(owner eve, mode 0755)"]
            ),
            Row(
                name: "variables2",
                root: "vars2",
                script:
                    "app mary vars2; mkdir envs; echo A=b > envs/env; ln -s ../envs/env vars2/.env; own eve envs/env",
                settings: ["passenger_env_file .env;"],
                told: ["envs/env (owner eve, mode 0644) belongs neither to mary nor to root"]
            ),
        ]

        private static let layouts = [
            Row(
                name: "capistrano",
                root: "home/joe/app/current",
                script: """
                    mkdir -p home/joe/app/releases home/joe/app/shared; app joe home/joe/app/releases/1
                    echo FROM=file > home/joe/app/shared/.env; ln -s ../../shared/.env home/joe/app/releases/1/.env
                    ln -s releases/1 home/joe/app/current; chown -hR 7001:7001 home/joe; chmod 775 home/joe/app
                    """,
                settings: ["passenger_env_file .env;"],
                user: OwnAccounts.joe
            ),
            Row(
                name: "debian",
                root: "var/www/site",
                script: "mkdir -p var/www; app mary var/www/site",
                user: OwnAccounts.mary
            ),
            Row(
                name: "moved",
                root: "oldhome/joe/app",
                script:
                    "mkdir -p data/home/joe; ln -s data/home oldhome; own joe data/home/joe; app joe data/home/joe/app",
                user: OwnAccounts.joe
            ),
            Row(
                name: "sticky",
                root: "stick/app",
                script: "mkdir stick; chmod 1777 stick; app joe stick/app",
                user: OwnAccounts.joe,
                told: ["everybody may write to ", "which holds the app root"]
            ),
            Row(
                name: "roots",
                root: "opt/app",
                script: "mkdir opt; app root opt/app",
                settings: ["passenger_user joe;"],
                user: OwnAccounts.joe
            ),
            Row(
                name: "deployed",
                root: "deployed",
                // One writes it, another one runs it; the configuration says so.
                script: "app mary deployed",
                settings: ["passenger_user joe;"],
                user: OwnAccounts.joe,
                told: [
                    "passenger_user: ",
                    "so mary could change what runs as joe; --trust-owner=mary says that this is meant",
                ]
            ),
            Row(
                name: "unknown",
                root: "unknown",
                script: "app 7999 unknown",
                user: OwnAccounts.nobody
            ),
            Row(
                name: "venv",
                root: "venv",
                script: """
                    app joe venv; mkdir -p marys/bin; ln -s /usr/bin/python3 marys/bin/python3
                    echo '#!/bin/sh' > marys/bin/py; echo 'exec /usr/bin/python3 "$@"' >> marys/bin/py; chmod 755 marys/bin/py
                    chown -hR 7002 marys
                    """,
                settings: ["passenger_python APPS/marys/bin/py;"],
                user: OwnAccounts.joe,
                told: ["passenger_python: ", "so mary could change what runs as joe"]
            ),
            Row(
                name: "started",
                root: "started",
                script: #"""
                    mkdir -p started/public marys2; own joe started; cat > marys2/serve <<'PROGRAM'
                    import os, socket
                    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
                    while True:
                        connection = listener.accept()[0]
                        if connection.recv(65536):
                            body = f"USER: {os.environ['USER']}\n" + open("/proc/self/status").read()
                            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
                        connection.close()
                    PROGRAM
                    own mary marys2 marys2/serve
                    """#,
                settings: ["passenger_app_start_command \"/usr/bin/python3 APPS/marys2/serve\";"],
                user: OwnAccounts.joe,
                told: ["passenger_app_start_command: ", "so mary could change what runs as joe"]
            ),
            Row(
                name: "aclown",
                root: "aclown",
                script: "app joe aclown; chown root aclown; acl 7001 aclown",
                user: OwnAccounts.joe
            ),
        ]

        private static func site(_ rows: [Row]) throws -> Site {
            let site = try Site(
                apps: [],
                daemonFlags: ["--max-pool-size=24"],
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_friendly_error_pages on;"]
            )
            let apps = site.directory.file("apps")
            for row in rows {
                let settings = row.settings.map { $0.replacing("APPS", with: apps) }
                try site.add(.init(row.name, from: nil, root: row.root, settings: settings))
            }
            let wrapper = try OwnAccounts.wrapper(in: site.directory)
            // Somebody else's membership makes Vic's group shared.
            let groups = try TestFile.text(site.directory.file("accounts/group"))
            try site.directory.write(groups.replacing("vic:x:7003:", with: "vic:x:7003:eve"), to: "accounts/group")
            site.daemonWrapper = wrapper
            site.frontWrapper = wrapper
            try site.directory.write(OwnAccounts.wsgi, to: "apps/probe")
            let ids = OwnAccounts.all.map { "\($0.name)) id=\($0.uid);;" }.joined(separator: " ")
            let script = """
                set -e
                cd \(apps)
                uid() { case $1 in \(ids) root) id=0;; *) id=$1;; esac; }
                own() { uid $1; shift; chown -h $id:$id "$@"; }
                acl() { /usr/bin/python3 -c "
                import os, struct, sys
                entries = [(1, 7, -1), (2, 7, $1), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
                list = struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *entry) for entry in entries)
                os.setxattr('$2', 'system.posix_acl_access', list)"; }
                app() { mkdir -p $2/public; cp probe $2/passenger_wsgi.py; uid $1; chown -R $id:$id $2; }

                """
            let file = try site.directory.write(
                script + rows.map(\.script).joined(separator: "\n") + "\n",
                to: "prepare"
            )
            let outcome = try Shell.run(["/bin/bash", file])
            guard outcome.status.isSuccess else {
                throw RunningProgram.Failure.ended("prepare", outcome.status, output: outcome.output)
            }
            try site.writeConfiguration()
            return site
        }

        /// Answers of all rows, and what is told about those that do not start.
        private static func check(_ rows: [Row], on site: Site) throws {
            for row in rows {
                let response = try site.get(row.name, headers: "Accept: text/plain\r\n")
                let group = try #require(try site.status().groups.first { $0.appRoot == site.root(of: row.root) })
                if let user = row.user {
                    #expect(
                        response.status == 200 && response.field("USER") == user.name,
                        "\(row.name): \(response.text)"
                    )
                    let uids = ProcessFacts(pid: 0, status: response.text).uids
                    #expect(uids == Array(repeating: user.uid, count: 4), "\(row.name): \(uids)")
                    let lines = site.log().split(separator: "\n").filter {
                        $0.contains(row.root) || row.settings.isEmpty
                    }
                    for told in row.told {
                        #expect(lines.contains { $0.contains(told) }, "\(row.name): \(told)\n\(site.log())")
                    }
                } else {
                    #expect(response.status == 500 && group.processes.isEmpty, "\(row.name): \(response.text)")
                    let summary = group.lastError?.summary ?? ""
                    for told in row.told { #expect(summary.contains(told), "\(row.name): \(told)\n\(summary)") }
                    for remedy in row.remedies {
                        #expect(response.text.contains(remedy), "\(row.name): \(remedy)\n\(response.text)")
                    }
                }
            }
        }

        @Test func `nobody but root and the owner of the startup file leads an application anywhere`() throws {
            let site = try Self.site(
                [
                    Row(name: "marys", root: "mary/app", script: "", user: OwnAccounts.mary)
                ] + Self.attacks
            )
            try site.startDaemon()
            try site.startFront()
            try Self.check(
                [Row(name: "marys", root: "mary/app", script: "", user: OwnAccounts.mary)] + Self.attacks,
                on: site
            )
        }

        @Test func `the layouts that people have run`() throws {
            let site = try Self.site(Self.layouts)
            try site.startDaemon()
            try site.startFront()
            try Self.check(Self.layouts, on: site)
            let warned = site.log().split(separator: "\n").filter { $0.contains("so mary could change") }
            #expect(warned.count == 3, "\(warned)")
        }

        @Test func `who is trusted by name may lead applications, and writes by a group if that is trusted`() throws {
            var rows = Self.attacks.filter { ["current", "swapped", "group"].contains($0.name) }
            for index in rows.indices { rows[index].user = OwnAccounts.mary; rows[index].told = [] }
            let site = try Self.site(rows)
            site.daemonFlags += ["--trust-owner=eve", "--trust-owner=:crew"]
            try site.startDaemon()
            try site.startFront()
            try Self.check(rows, on: site)
        }
    }
}
