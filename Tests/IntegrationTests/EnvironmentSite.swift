// SPDX-License-Identifier: MIT

import LinuxSystem
import TestSupport
import WireProtocol

/// A site whose applications belong to accounts that exist for it only, each with a login shell and a home of its own.
final class EnvironmentSite {
    /// One application, and the account that owns it.
    struct Person {
        let name: String
        let shell: String
        /// Files of the home directory.
        var profile: [String: String] = [:]
        var settings: [String] = []
        /// Folder below `Tests/IntegrationTests/Apps`.
        var source = "wsgi"
    }

    let site: Site
    private let people: [Person]

    /// Prepares everything and starts nothing.
    init(_ people: [Person], httpSettings: [String] = []) throws {
        self.people = people
        site = try Site(
            apps: people.map { .init($0.name, from: $0.source, settings: $0.settings) },
            daemonFlags: ["--max-pool-size=\(people.count + 4)"],
            httpSettings: httpSettings
        )
        for person in people {
            for (file, text) in person.profile { try site.directory.write(text, to: "home/\(person.name)/\(file)") }
            try Files.makeDirectories(home(of: person.name))
        }
        try giveAway()
        site.daemonWrapper = try wrapper()
    }

    func home(of name: String) -> String { site.directory.file("home/\(name)") }

    func uid(of name: String) -> UInt32 { 7_500 + UInt32(people.firstIndex { $0.name == name } ?? 0) }

    func start() throws {
        try site.startDaemon()
        try site.startFront()
    }

    /// Gives homes and roots to their owners, also what a test has added.
    func giveAway() throws {
        let lines = people.map { person in
            "chown -R \(uid(of: person.name)):\(uid(of: person.name)) \(home(of: person.name)) \(site.root(of: person.name))"
        }
        let outcome = try Shell.script("set -e\n" + lines.joined(separator: "\n"))
        guard outcome.status.isSuccess else {
            throw RunningProgram.Failure.ended("chown", outcome.status, output: outcome.output)
        }
    }

    /// What the application at this name finds in its environment.
    func environment(of name: String) throws -> [String: String] {
        var variables: [String: String] = [:]
        for line in try site.page(name, "/env").text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
        return variables
    }

    /// The sentence that the status has about the last start of an application.
    func lastError(of name: String) throws -> String {
        try site.status().groups.first { $0.appRoot == site.root(of: name) }?.lastError?.summary ?? ""
    }

    /// Sockets and records of processes that the daemon keeps.
    var kept: [String] {
        TestFile.tree(site.directory.file("registry")).filter { $0.hasSuffix(".process") || $0.contains("apps/") }
    }

    private func wrapper() throws -> [String] {
        let users =
            people.map { "\($0.name):x:\(uid(of: $0.name)):\(uid(of: $0.name))::\(home(of: $0.name)):\($0.shell)" } + [
                "root:x:0:0:root:/root:/bin/bash", "www-data:x:33:33::/var/www:/usr/sbin/nologin",
                "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin",
            ]
        let groups =
            people.map { "\($0.name):x:\(uid(of: $0.name)):" } + ["root:x:0:", "www-data:x:33:", "nogroup:x:65534:"]
        let passwd = try site.directory.write(users.joined(separator: "\n") + "\n", to: "accounts/passwd")
        let group = try site.directory.write(groups.joined(separator: "\n") + "\n", to: "accounts/group")
        let script = """
            mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group || exit 1
            shift 2
            exec "$@"
            """
        return ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "accounts", passwd, group]
    }
}
