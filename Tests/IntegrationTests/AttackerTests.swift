// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Every attacker of DESIGN's table of peers, with a client of its own, as the user it needs, against the real socket.
    ///
    /// After each of them a request through the real front is answered from the process that was there before, the core
    /// is the same, and its descriptors are as many as before.
    @Suite(.enabled(if: Machine.isRoot, "attackers need users of their own"), .timeLimit(.minutes(1)))
    struct AttackerTests {
        private static let token = "00112233445566778899aabbccddeeff"
        private static let secondToken = "ffeeddccbbaa99887766554433221100"
        private static let unknown = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

        // MARK: Settings

        @Test func `a stolen worker token gives the settings of its manifest and no others`() throws {
            let fort = try Fort()
            let vault = try fort.app("vault", owner: Machine.appUsers[2])
            let master = try fort.hold(
                nil,
                "control @front=bank",
                "manifest bank 7 \(fort.worker.uid) \(Self.token) vault app_root=\(vault)"
            )
            defer { master.stop() }
            let lines = try fort.attack(
                fort.worker,
                "control @front=bank @token=\(Self.token)",
                "define 1 vault app_root=\(vault)",
                "define 2 vault app_root=\(vault) user=root",
                "define 3 vault app_root=\(vault) env_var=A=b",
                "define 4 vault app_root=\(vault) app_start_command=/bin/id",
                "define 5 vault app_root=\(fort.site.root(of: "wsgi"))",
                "define 6 other app_root=\(vault)",
                "define 7 \(fort.site.root(of: "wsgi")) app_root=\(fort.site.root(of: "wsgi")) user=root",
                "checkout 2",
                "checkout 1",
                "release",
                // A newer list, an older one, and one of its own making.
                "manifest bank 99 \(fort.worker.uid) \(Self.token) vault app_root=\(vault) user=lp",
                "control @front=bank @token=\(Self.token)",
                "define 1 vault app_root=\(vault) user=lp",
                "checkout 1"
            )
            #expect(lines[0] == "connected 7" && lines[1] == "accepted", "\(lines)")
            for line in lines[2...7] { #expect(line.hasPrefix("rejected the settings differ"), "\(line)") }
            #expect(lines[8] == "refused 9" && lines[9].hasPrefix("granted "), "\(lines)")
            #expect(lines[12] == "connected 7" && lines[13].hasPrefix("rejected "), "\(lines)")
            #expect(lines[14] == "refused 9", "\(lines)")
            // Another user, though one with authority, is not whom the token was made for.
            #expect(try fort.attack(nil, "control @front=bank @token=\(Self.token)") == ["closed"])
            #expect(try fort.attack(fort.trusted, "control @front=bank @token=\(Self.token)") == ["closed"])
            try fort.mark()
            try fort.stands()
        }

        @Test func `a manifest of a lower generation changes nothing`() throws {
            let fort = try Fort()
            let vault = try fort.app("vault", owner: Machine.appUsers[2])
            let declared = "vault app_root=\(vault)"
            let lines = try fort.attack(
                nil,
                "control @front=bank",
                "manifest bank 7 \(fort.worker.uid) \(Self.token) \(declared)",
                "define 1 \(declared)",
                "checkout 1",
                "release",
                "manifest bank 6 \(fort.worker.uid) \(Self.secondToken) vault app_root=\(vault) user=lp",
                "manifest bank 7 \(fort.worker.uid) \(Self.secondToken) vault app_root=\(vault) user=lp",
                "control @front=bank",
                "define 1 \(declared)",
                "checkout 1",
                "release"
            )
            #expect(lines[0] == "connected 0" && lines[7] == "connected 7", "\(lines)")
            let pids = [lines[3], lines[9]].map { $0.split(separator: " ").dropFirst().first }
            #expect(pids[0] != nil && pids[0] == pids[1], "the application was restarted: \(lines)")
            let group = try #require(try fort.site.status().groups.first { $0.name == "vault" })
            #expect(group.user == Machine.appUsers[2].name)
            try fort.mark()
            try fort.stands()
        }

        @Test func `a front without authority has owner settings for allowed roots, in groups of its own`() throws {
            let fort = try Fort()
            let owner = Machine.appUsers[2]
            let shop = try fort.app("open/shop", owner: owner)
            let wsgi = fort.site.root(of: "wsgi")
            let long = String(repeating: "x", count: 5000)
            let lines = try fort.attack(
                fort.worker,
                "control",
                "define 1 \(wsgi) app_root=\(shop) max_instances=1 max_request_queue_size=5",
                "checkout 1",
                "release"
            )
            #expect(lines[1] == "accepted", "\(lines)")
            let pid = try #require(lines[2].split(separator: " ").dropFirst().first.flatMap { Int32($0) }, "\(lines)")
            // The same name as the group of the front, and yet another group; what it runs belongs to the file's owner.
            #expect(pid != fort.pid)
            #expect(ProcessFacts(pid: pid)?.uids.first == owner.uid)
            let refused = try fort.attack(
                fort.worker,
                ["control"]
                    + [
                        "user=root", "user=lp", "group=root", "env_var=A=b", "app_start_command=/bin/id",
                        "python=/bin/id", "startup_file=evil.py", "app_type=wsgi", "app_env=development",
                        "friendly_error_pages=on", "max_instances=1000", "max_request_queue_size=0",
                        "start_timeout=1000000",
                    ].map { "define 2 shop app_root=\(shop) \($0)" }
                    + [wsgi, "/", "/etc", "\(shop)/../../wsgi", "\(fort.open)", "\(fort.open)ed/shop", "relative"].map {
                        "define 2 shop app_root=\($0)"
                    }
                    + ["define 2 shop app_root=\(shop)/\(long)", "define 2 \(long) app_root=\(shop)", "checkout 2"]
            )
            #expect(refused.count == 24)
            for line in refused.dropFirst().dropLast() { #expect(line.hasPrefix("rejected "), "\(line)") }
            // What may not be set is refused by its name.
            let names = ["user", "user", "group", "env_var", "app_start_command", "python"]
            for (name, line) in zip(names, refused.dropFirst()) {
                #expect(line.contains("setting \(name) needs a manifest from a front with authority"), "\(line)")
            }
            #expect(refused.last == "refused 9")
            try fort.mark()
            try fort.stands()
        }

        // MARK: Streams

        @Test func `a stream token dies with its control connection and is of no use to another user`() throws {
            let fort = try Fort()
            let shop = try fort.app("open/shop", owner: Machine.appUsers[2])
            let prepare = ["control", "define 1 shop app_root=\(shop)", "checkout 1"]
            _ = try fort.attack(fort.worker, prepare + ["release"])
            try fort.mark()
            let holder = try fort.hold(fort.worker, prepare + ["stream", "stream \(Self.unknown)"])
            defer { holder.stop() }
            let lines = holder.output.split(separator: "\n")
            let token = try #require(lines[2].split(separator: " ").last)
            #expect(lines[3] == "attached" && lines[4].hasPrefix("refused "), "\(lines)")
            #expect(try fort.attack(nil, "stream \(token)").allSatisfy { $0.hasPrefix("refused ") })
            #expect(try fort.attack(fort.trusted, "stream \(token)").allSatisfy { $0.hasPrefix("refused ") })
            #expect(try fort.attack(fort.worker, "stream \(token)") == ["attached"], "the same user, the same front")
            holder.stop()
            try eventually("the token to be dead") {
                try fort.attack(fort.worker, "stream \(token)").allSatisfy { $0.hasPrefix("refused ") }
            }
            let after = try fort.attack(fort.worker, prepare + ["close", "wait 0.2", "stream"])
            #expect(after.last?.hasPrefix("refused ") == true, "\(after)")
            try eventually("all sessions to be over") {
                try fort.site.status().groups.flatMap(\.processes).allSatisfy { $0.sessions == 0 }
            }
            try fort.stands()
        }

        // MARK: Strangers

        @Test func `unknown users are closed before a byte is read, with one line in the log`() throws {
            let fort = try Fort()
            #expect(try fort.attack(fort.stranger, "closed_unread 300", "control") == ["300 closed", "closed"])
            let uid = fort.stranger.uid
            let lines = fort.site.log().split(separator: "\n").filter { $0.contains("user without rights") }
            #expect(lines.count == 1 && lines.first?.contains("uid=\(uid)") == true, "\(lines)")
            #expect(!fort.site.log().contains("stranger"), "its Hello was read")
            try fort.stands()
        }

        @Test func `the status shows a user its own applications only`() throws {
            let fort = try Fort(others: [.init("other", from: "wsgi", owner: Machine.appUsers[2])])
            _ = try fort.site.page("other")
            try fort.mark()
            for (user, name) in [(Machine.appUsers[1], "wsgi"), (Machine.appUsers[2], "other")] {
                let outcome = try Shell.run(
                    [
                        Repository.program("passenger-status"), "--show=json",
                        "--instance-registry-dir=\(fort.site.directory.file("registry"))",
                    ],
                    as: user
                )
                let report = try StatusReport(json: Array(outcome.output.utf8))
                #expect(report.groups.map(\.appRoot) == [fort.site.root(of: name)])
                #expect(report.hiddenGroups == 1 && report.connections.isEmpty)
                #expect(!outcome.output.contains(fort.site.root(of: name == "wsgi" ? "other" : "wsgi")))
            }
            try fort.stands()
        }

        // MARK: Applications

        @Test func `an application that talks nonsense to the daemon or closes its socket harms only itself`() throws {
            let names = ["garbage", "deafness", "unlistening", "refusing", "ending"]
            let fort = try Fort(others: names.map { .init($0, from: nil, settings: ["passenger_max_instances 1;"]) })
            for (number, name) in names.enumerated() {
                try fort.site.directory.write("", to: "apps/\(name)/public/empty.txt")
                _ = try fort.app(name, owner: Machine.appUsers[2 + number], text: Self.hostileApp)
                let before = try fort.site.page(name, "/pid").pid
                #expect(before != fort.pid)
                // The answer to the deed itself may be lost with its process.
                _ = try? fort.site.get(name, "/\(name)")
                #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
                // Through the streams of every event loop of the front, old ones and new ones. Whatever the process has
                // not read goes to the next one.
                for _ in 0..<8 { #expect(try fort.site.get(name, "/pid").status == 200, "\(name)") }
                guard ["unlistening", "ending"].contains(name) else { continue }
                // One without its socket ends, so that nobody has to find out.
                try eventually("another process of \(name)", within: .seconds(15)) {
                    try fort.site.page(name, "/pid").pid != before
                }
            }
            // A new worker of the front has no stream yet: the socket that refuses connections is found out.
            let deaf = try fort.site.page("refusing", "/pid").pid
            try #require(fort.site.front).signal(.hangUp)
            try eventually("another process that listens", within: .seconds(15)) {
                let response = try fort.site.get("refusing", "/pid")
                return response.status == 200 && response.pid != deaf
            }
            try eventually("the old worker of the front to be gone") { try fort.site.workerPIDs().count == 1 }
            try eventually("one process of each") {
                try fort.site.status().groups.allSatisfy { $0.processes.count == 1 && $0.processesBeingSpawned == 0 }
            }
            try fort.mark()
            try fort.stands()
        }

        private static let hostileApp = """
            import os
            import socket

            def deed(path):
                if path == "/garbage":
                    os.set_blocking(4, False)
                    for block in (b"\\xff\\x00" * 30000, b"!> Error\\n" * 5000, b"x" * 200000, b"\\n" * 100000):
                        try:
                            os.write(4, block)
                        except BlockingIOError:
                            pass
                if path == "/deafness":
                    os.close(4)
                if path == "/unlistening":
                    os.close(3)
                if path == "/refusing":
                    socket.socket(fileno=os.dup(3)).shutdown(socket.SHUT_RDWR)
                if path == "/ending":
                    os.closerange(0, 64)

            def application(environ, start_response):
                deed(environ["PATH_INFO"])
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [f"{os.getpid()}\\n".encode()]

            """
    }
}
