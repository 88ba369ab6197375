// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What an application's user cannot reach, named by the real programs: which path, which user, what to type.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(2)))
    struct AccessTests {
        /// An application that must not start, and what must be named.
        private struct Case {
            let name: String
            /// Made in the directory of applications, as root.
            let script: String
            var settings: [String] = []
            /// Each in the sentence.
            let facts: [String]
            /// Each in the remedies of the page; the log has the first of them.
            let remedies: [String]
        }

        private static func cases(_ apps: String) -> [Case] {
            let user = ["passenger_user joe;"]
            // Who, with the groups that count for the kernel.
            let joe = ["joe (uid 7001, groups joe, crew, club)"]
            return [
                Case(
                    name: "home",
                    script: "mkdir -p home; chown mary home; chmod 700 home; mkdir -p home/public; cp probe home/$W",
                    settings: user,
                    facts: ["\(apps)/home"] + joe,
                    remedies: ["chmod", "\(apps)/home", "passenger_user is set to joe"]
                ),
                Case(
                    name: "below",
                    script: "mkdir -p closed/deep/er; cp probe closed/deep/er/$W; chmod 700 closed/deep",
                    settings: user + ["passenger_app_root \(apps)/closed/deep/er;"],
                    facts: ["\(apps)/closed/deep "] + joe,
                    remedies: ["chmod", "\(apps)/closed/deep"]
                ),
                Case(
                    name: "linked",
                    script:
                        "mkdir -p away/release; cp probe away/release/$W; chmod 700 away; ln -s away/release current",
                    settings: user + ["passenger_app_root \(apps)/current;"],
                    facts: ["\(apps)/"] + joe,
                    remedies: ["chmod"]
                ),
                Case(
                    name: "nobody",
                    script: "mkdir -p roots/app; cp probe roots/app/$W; chmod 700 roots",
                    settings: ["passenger_app_root \(apps)/roots/app;"],
                    facts: ["\(apps)/roots ", "nobody"],
                    remedies: ["chmod", "\(apps)/roots", "root owns passenger_wsgi.py"]
                ),
                Case(
                    name: "unreadable",
                    script: "mkdir -p unreadable; cp probe unreadable/$W; chmod 600 unreadable/$W",
                    settings: user,
                    facts: ["\(apps)/unreadable/passenger_wsgi.py"] + joe,
                    remedies: ["chmod", "\(apps)/unreadable/passenger_wsgi.py"]
                ),
                Case(
                    name: "dangling",
                    script: "mkdir -p dangling; ln -s /nowhere/at/all dangling/$W",
                    settings: user,
                    facts: ["\(apps)/dangling/passenger_wsgi.py", "joe", "a link to /nowhere"],
                    remedies: ["Correct the link"]
                ),
                Case(
                    name: "curious",
                    script:
                        "mkdir -p curious; cp probe hidden; chmod 600 hidden; ln -s \(apps)/hidden curious/$W; chown -hR joe curious",
                    facts: ["\(apps)/curious/passenger_wsgi.py", "joe", "a link to \(apps)/hidden"],
                    remedies: ["Correct the link", "Only if joe is meant to read"]
                ),
                Case(
                    name: "gone",
                    script: "true",
                    settings: ["passenger_app_root \(apps)/gone/away;", "passenger_app_type wsgi;"],
                    facts: ["\(apps)/gone/away", "does not exist"],
                    remedies: ["passenger_app_root"]
                ),
                Case(
                    name: "file",
                    script: "touch file",
                    settings: ["passenger_app_root \(apps)/file;", "passenger_app_type wsgi;"],
                    facts: ["\(apps)/file", "no directory"],
                    remedies: ["passenger_app_root"]
                ),
                Case(
                    name: "nostartup",
                    script: "mkdir -p nostartup",
                    settings: ["passenger_app_type wsgi;", "passenger_startup_file start.py;"],
                    facts: ["start.py", "\(apps)/nostartup"],
                    remedies: ["passenger_startup_file"]
                ),
                Case(
                    name: "nopython",
                    script: "mkdir -p nopython; cp probe nopython/$W; chown -R joe nopython",
                    settings: ["passenger_python /opt/none/bin/python3;"],
                    facts: ["/opt/none/bin/python3"],
                    remedies: ["passenger_python"]
                ),
                Case(
                    name: "venv",
                    script: """
                        mkdir -p venv secret/venv/bin; cp probe venv/$W; chown -R joe venv
                        ln -s /usr/bin/python3 secret/venv/bin/python3; chmod 700 secret
                        """,
                    settings: ["passenger_python \(apps)/secret/venv/bin/python3;"],
                    facts: ["the directory \(apps)/secret cannot be entered"] + joe,
                    remedies: ["passenger_python", "python3 -m venv \(apps)/venv/venv", "chmod o+x \(apps)/secret;"]
                ),
                Case(
                    name: "twoowners",
                    script:
                        "mkdir -p twoowners; cp probe twoowners/$W; chown mary twoowners; chown -hR joe twoowners/$W",
                    facts: [
                        "the app root (owner mary, mode 0755) belongs neither to joe nor to root",
                        "owner of passenger_wsgi.py, joe",
                    ],
                    remedies: [
                        "runuser -u mary -- sh -c 'cp \(apps)/twoowners/passenger_wsgi.py",
                        "chown joe \(apps)/twoowners",
                        "set passenger_user",
                    ]
                ),
                Case(
                    name: "rootsfile",
                    script: "mkdir -p rootsfile; cp probe rootsfile/$W; chown -R joe rootsfile; "
                        + "chown root rootsfile/$W",
                    facts: ["the app root (owner joe, mode 0755) does not belong to root"],
                    remedies: ["runuser -u joe -- sh -c 'cp \(apps)/rootsfile/passenger_wsgi.py"]
                ),
                Case(
                    name: "everybody",
                    script: "mkdir -p everybody; cp probe everybody/$W; chown -R joe everybody; chmod 777 everybody",
                    facts: ["the app root (owner joe, mode 0777) is writable by everybody"],
                    remedies: ["chmod o-w \(apps)/everybody"]
                ),
                Case(
                    name: "shebang",
                    script: """
                        mkdir -p shebang; cp probe shebang/$W; printf '#!/opt/lost/python\\n' > shebang/wrapper
                        chmod 755 shebang/wrapper; chown -R joe shebang
                        """,
                    settings: ["passenger_python \(apps)/shebang/wrapper;"],
                    facts: ["\(apps)/shebang/wrapper", "/opt/lost/python"],
                    remedies: ["passenger_python"]
                ),
                Case(
                    name: "plain",
                    script: "mkdir -p plain; cp probe plain/$W; cp probe plain/python; chown -R joe plain",
                    settings: ["passenger_python \(apps)/plain/python;"],
                    facts: ["\(apps)/plain/python", "joe"],
                    remedies: ["passenger_python"]
                ),
            ]
        }

        /// Without line ends and punctuation, which differ between the log and the page.
        private static func words(_ text: String) -> String {
            text.split { $0 == " " || $0 == "\n" }.map { $0.filter { $0 != ";" } }.joined(separator: " ")
        }

        @Test func `what cannot be reached is named with the user, the groups and what to type`() throws {
            let site = try Site(
                apps: [],
                daemonFlags: ["--max-pool-size=20"],
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_friendly_error_pages on;"]
            )
            site.daemonWrapper = try OwnAccounts.wrapper(in: site.directory)
            let apps = site.directory.file("apps")
            let cases = Self.cases(apps)
            for one in cases { try site.add(.init(one.name, from: nil, settings: one.settings)) }
            // Reachable by a group that only a login of the user has.
            try site.add(.init("shared", from: nil, settings: ["passenger_user joe;"]))
            try site.directory.write(OwnAccounts.wsgi, to: "apps/probe")
            let shared = """
                mkdir -p shared; cp probe shared/$W; chgrp -R \(OwnAccounts.crew) shared; chmod 750 shared; chmod 640 shared/$W
                """
            let lines = (cases.map(\.script) + [shared]).joined(separator: "\n")
                .replacing("chown mary", with: "chown \(OwnAccounts.mary.uid)")
                .replacing("chown -R joe", with: "chown -R \(OwnAccounts.joe.uid)")
                .replacing("chown -hR joe", with: "chown -hR \(OwnAccounts.joe.uid)")
            let script = try site.directory.write("set -e\ncd \(apps)\nW=passenger_wsgi.py\n\(lines)\n", to: "prepare")
            let outcome = try Shell.run(["/bin/bash", script])
            #expect(outcome.status.isSuccess, "\(outcome.output)")
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()

            #expect(try site.page("shared").field("USER") == "joe")
            for one in cases {
                let response = try site.get(one.name, headers: "Accept: text/plain\r\n")
                #expect([500, 404].contains(response.status), "\(one.name): \(response.text)")
                let groups = try site.status().groups
                let root = one.settings.compactMap { $0.firstMatch(after: "passenger_app_root ") }.first
                let group = try #require(groups.first { $0.appRoot == root ?? site.root(of: one.name) }, "\(one.name)")
                let summary = group.lastError?.summary ?? ""
                for fact in one.facts { #expect((summary + " ").contains(fact), "\(one.name): \(summary)") }
                let line = site.log().split(separator: "\n").last {
                    $0.contains("process could not be started") && $0.contains("\(group.appRoot)")
                }
                #expect(line?.contains("remedy=") == true, "\(one.name): \(line ?? "")")
                // From the page alone one knows what to type.
                for told in one.facts + one.remedies {
                    #expect(
                        Self.words(response.text).contains(Self.words(told)),
                        "\(one.name): \(told)\n\(response.text)"
                    )
                }
                if let id = group.lastError?.id { #expect(line?.contains(id) == true, "\(one.name)") }
            }
        }
    }
}

extension String {
    /// The value of a directive of the front's configuration.
    fileprivate func firstMatch(after directive: String) -> String? {
        self.hasPrefix(directive) ? String(self.dropFirst(directive.count).dropLast()) : nil
    }
}
