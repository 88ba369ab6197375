// SPDX-License-Identifier: MIT

import LinuxSystem
import Synchronization
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Who applications and fronts run as, on the real programs.
    @Suite(.enabled(if: Machine.isRoot, "users can only be switched by root"))
    struct UsersTests {
        @Test(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"))
        func `applications of different users run as those users, with exactly their groups and no capability`() throws
        {
            let names = ["rack", "wsgi", "node", "generic"]
            let site = try Site.running(
                names.enumerated().map { number, name in
                    .init(
                        name,
                        from: name,
                        owner: Machine.appUsers[number],
                        settings: name == "generic"
                            ? ["passenger_app_start_command \"/usr/bin/python3 server.py\";"] : []
                    )
                }
            )
            for (number, name) in names.enumerated() {
                let user = Machine.appUsers[number]
                #expect(try site.page(name).field("user") == user.name)
                let facts = ProcessFacts(pid: 0, status: try site.page(name, "/ids").text)
                #expect(facts.uids == Array(repeating: user.uid, count: 4), "\(name)")
                #expect(facts.gids == Array(repeating: user.primaryGroup, count: 4), "\(name)")
                #expect(Set(facts.groups) == Set(try Accounts.groups(of: user)), "\(name)")
                #expect(facts.capabilities == "0000000000000000", "\(name)")
            }
            let reasons = try site.status().groups.compactMap(\.userReason)
            #expect(reasons.count == names.count && reasons.allSatisfy { $0.contains("because") }, "\(reasons)")
        }

        @Test(arguments: [false, true])
        func `a generic application inherits exactly the documented descriptors`(_ usesListener: Bool) throws {
            let settings = ["passenger_app_start_command \"/usr/bin/python3 server.py\";"]
            let site = try Site.running([
                .init(
                    "generic",
                    from: "generic",
                    owner: Machine.appUsers[0],
                    settings: settings + (usesListener ? ["passenger_env_var INHERIT 1;"] : [])
                )
            ])
            let lines = try site.page("generic", "/fds").text.split(separator: "\n").map { $0.split(separator: " ") }
            #expect(lines.map(\.first) == ["0", "1", "2", "3"], "\(lines)")
            let targets = lines.compactMap { $0.count == 2 ? $0[1] : nil }
            try #require(targets.count == 4)
            #expect(targets[0] == "/dev/null")
            #expect(targets[1].hasPrefix("pipe:") && targets[2] == targets[1])
            #expect(targets[3].hasPrefix("socket:"))
        }

        @Test func `a startup file that belongs to root runs as nobody`() throws {
            let site = try Site.running([.init("wsgi", from: "wsgi")])
            #expect(try site.page("wsgi").field("user") == "nobody")
        }

        @Test func `a link to the file of another user gains nothing`() throws {
            let linker = Machine.appUsers[0]
            let victim = Machine.appUsers[1]
            let site = try Site.running([
                .init("victim", from: "wsgi", owner: victim), .init("linker", from: "wsgi", owner: linker),
            ])
            let file = "\(site.root(of: "linker"))/passenger_wsgi.py"
            try Files.remove(file)
            try Files.makeLink(at: file, to: "\(site.root(of: "victim"))/passenger_wsgi.py")
            try Files.setOwner(file, owner: linker.uid, group: linker.primaryGroup)
            #expect(try site.page("victim").field("user") == victim.name)
            let response = try site.get("linker")
            // The link's maker, or no start at all; never the owner of what it leads to.
            #expect(response.status == 500 || response.field("user") == linker.name, "\(response.text)")
        }

        /// 200 starts while `current` leads to the tree of one user, then of another, as fast as it can be changed.
        @Test(.timeLimit(.minutes(4)))
        func `with current flipped during 200 starts no code of one user runs as another`() throws {
            // One group for each start, all with the same root: a failed start delays only the next one of its own group.
            let root = "current"
            let site = try Site(
                apps: (1...200).map { number in
                    .init("flip\(number)", from: nil, root: root, settings: ["passenger_app_group_name flip\(number);"])
                },
                httpSettings: ["passenger_load_shell_envvars off;"]
            )
            let users = [Machine.appUsers[0], Machine.appUsers[1]]
            try Files.makeDirectories(site.directory.file("apps/releases"))
            for user in users {
                let name = "apps/releases/\(user.name)"
                try site.directory.write(Self.flippingApp(user), to: "\(name)/passenger_wsgi.py")
                try site.directory.write("", to: "\(name)/public/empty.txt")
                try TestDirectory.give(site.directory.file(name), to: user)
            }
            let flipper = try Flipper(
                link: site.directory.file("apps/\(root)"),
                targets: users.map { site.directory.file("apps/releases/\($0.name)") }
            )
            defer { flipper.stop() }
            try site.startDaemon()
            try site.startFront()
            var answered: [String: Int] = [:]
            var refused = 0
            for number in 1...200 {
                let response = try site.get("flip\(number)")
                if response.status == 200 {
                    #expect(response.field("code") == response.field("user"), "\(response.text)")
                    answered[response.field("user") ?? "", default: 0] += 1
                } else {
                    refused += 1
                }
            }
            flipper.stop()
            // Both trees were met, and what was loaded without answering is in the log.
            #expect(
                answered.count == 2,
                "\(answered), \(refused) refused, \(flipper.count) flips\n\(site.log().suffix(2000))"
            )
            let loaded = site.log().pieces(between: "loaded code of ").dropFirst()
            #expect(loaded.count >= 100, "only \(loaded.count) starts")
            for line in loaded {
                let words = line.prefix { $0 != "\n" }.split(separator: " ")
                #expect(words.count == 3 && words[0] == words[2], "\(words)")
            }
        }

        @Test func `the worker of the front is www-data without any capability`() throws {
            let site = try Site.running([.init("wsgi", from: "wsgi")])
            let user = try #require(try Accounts.user(named: "www-data"))
            // A worker that answers has become its user.
            #expect(try site.get("wsgi").status == 200)
            let worker = try #require(try site.workerPIDs().first)
            let facts = try #require(ProcessFacts(pid: worker))
            #expect(facts.uids == Array(repeating: user.uid, count: 4))
            #expect(facts.gids == Array(repeating: user.primaryGroup, count: 4))
            #expect(facts.capabilities == "0000000000000000")
            #expect(!facts.groups.contains(0))
            // What runs under the same account cannot read its memory, where tokens are.
            for entry in ["mem", "environ", "maps"] {
                let outcome = try Shell.run(["/bin/cat", "/proc/\(worker)/\(entry)"], as: user)
                #expect(!outcome.status.isSuccess && outcome.output.contains("denied"), "\(entry): \(outcome.output)")
            }
        }

        @Test func `no program of the worker's account can open its memory, however early it tries`() throws {
            let site = try Site.running([.init("wsgi", from: "wsgi")])
            let front = try #require(site.front)
            let script = try Repository.text("Tests/IntegrationTests/Scripts/memory-thief.py")
            let thief = try RunningProgram(
                ["/usr/bin/python3", "-c", script, "\(front.pid)"],
                log: site.directory.file("thief.log"),
                user: try Accounts.user(named: "www-data")
            )
            for number in 1...8 {
                let old = try site.workerPIDs()
                try thief.waitForOutput("seen \(try #require(old.last))")
                try front.signal(.hangUp)
                try eventually("another worker, number \(number)") {
                    let now = try site.workerPIDs()
                    return now != old && now.count == 1
                }
            }
            #expect(!thief.output.contains("opened"), "\(thief.output)")
            #expect(thief.output.pieces(between: "seen ").count > 8, "\(thief.output)")
        }

        @Test func `an application asked to run as root runs as nobody`() throws {
            let site = try Site.running([
                .init("wsgi", from: "wsgi", owner: Machine.appUsers[0], settings: ["passenger_user root;"])
            ])
            #expect(try site.page("wsgi").field("user") == "nobody")
        }

        private static func flippingApp(_ user: UserAccount) -> String {
            """
            import os, pwd, sys
            user = pwd.getpwuid(os.getuid()).pw_name
            print("loaded code of \(user.name) as", user, file=sys.stderr, flush=True)

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [f"code: \(user.name)\\nuser: {user}\\n".encode()]

            """
        }
    }

    /// Points a link at one target after the other until it is told to stop.
    final class Flipper: Sendable {
        private let stopping = Mutex(false)
        private let flips = Mutex(0)

        var count: Int { flips.withLock { $0 } }

        init(link: String, targets: [String]) throws {
            try Files.makeLink(at: link, to: targets[0])
            _ = try OSThread.start(name: "flipper") { [self] in
                var number = 0
                while !stopping.withLock({ $0 }) {
                    number += 1
                    // A rename replaces the link in one step; nothing but the end of the test can make it fail.
                    try? Files.makeLink(at: "\(link).next", to: targets[number % targets.count])
                    try? Files.rename("\(link).next", to: link)
                    flips.withLock { $0 = number }
                }
            }
        }

        func stop() { stopping.withLock { $0 = true } }
    }
}
