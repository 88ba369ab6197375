// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// File systems that stop answering, below applications that run.
    @Suite(
        .enabled(if: Machine.canUnshare && TestFile.exists("/dev/fuse"), "needs root, namespaces and /dev/fuse"),
        .timeLimit(.minutes(3))
    )
    struct HangingFileSystemTests {
        /// A daemon in a mount namespace of its own, with the file system that hangs on command in it.
        ///
        /// The front stays outside: there the mount points are plain directories.
        private final class Swamp {
            let site: Site
            private let script: String
            private var servers: [RunningProgram] = []

            init(settings: [String] = []) throws {
                site = try Site(
                    apps: [
                        .init("wsgi", from: "wsgi", owner: Machine.appUsers[0], settings: settings),
                        .init("other", from: "wsgi", owner: Machine.appUsers[1]),
                    ],
                    httpSettings: ["passenger_load_shell_envvars off;", "passenger_max_instances 1;"]
                )
                script = try site.directory.write(
                    try Repository.text("Tests/IntegrationTests/Scripts/hanging-fs.py"),
                    to: "hanging-fs.py"
                )
                site.daemonWrapper = ["unshare", "--mount", "--propagation", "private"]
            }

            func start() throws {
                try site.startDaemon()
                try site.startFront()
            }

            /// Shows a directory at a mount point that only the daemon and its applications see.
            func mount(_ source: String, at mountpoint: String, mode: String? = nil) throws -> RunningProgram {
                let daemon = try #require(site.daemon)
                let pidFile = site.directory.file("fs.\(servers.count).pid")
                let server = try RunningProgram(
                    ["nsenter", "--mount", "--target", "\(daemon.pid)", "/usr/bin/python3", script, source, mountpoint]
                        + [pidFile] + (mode.map { [$0] } ?? []),
                    log: site.directory.file("fs.log")
                )
                servers.append(server)
                try eventually("the file system to be mounted: \(server.output)") {
                    TestFile.exists(pidFile) || !server.isRunning
                }
                try #require(server.isRunning, "\(server.output)")
                return server
            }

            func pid(_ app: String = "wsgi") throws -> Int32 { try #require(try site.page(app, "/pid").pid) }

            /// The daemon ends in order although looks at the file system have not come back.
            func expectCleanStop() throws {
                let daemon = try #require(site.daemon)
                #expect(try daemon.terminate() == .exited(0))
                #expect(site.log().contains("Flying Passenger stopped"), "\(site.log().suffix(2000))")
                #expect(TestFile.names(in: site.directory.file("registry")).filter { $0 != ".lock" } == [])
            }

            deinit {
                // Whoever waits for the file system is let go of when its server ends.
                for server in servers { _ = try? server.signal(.kill) }
                site.close()
            }
        }

        @Test func `a restart directory on a network file system works, and holds nobody up when it hangs`() throws {
            let place = try TestDirectory()
            try place.write("", to: "source/keep")
            try Files.makeDirectories(place.file("mount"))
            let swamp = try Swamp(settings: ["passenger_restart_dir \(place.file("mount"));"])
            try swamp.site.startDaemon()
            let server = try swamp.mount(place.file("source"), at: place.file("mount"))
            try swamp.site.startFront()
            let first = try swamp.pid()
            // Looked at once a second.
            try place.write("", to: "source/restart.txt")
            try eventually("a restart for the file over there", within: .seconds(10)) { try swamp.pid() != first }
            let second = try swamp.pid()
            try server.signal(.user1)
            let clock = ContinuousClock()
            for _ in 0..<20 {
                let began = clock.now
                #expect(try swamp.pid() == second)
                #expect(clock.now - began < .seconds(1))
                pause(.milliseconds(100))
            }
            let other = try swamp.pid("other")
            #expect(try swamp.pid("other") == other)
            // What was touched meanwhile counts once it answers.
            try Files.remove(place.file("source/restart.txt"))
            try place.write("", to: "source/restart.txt")
            try server.signal(.user2)
            try eventually("a restart after the file system is back", within: .seconds(10)) {
                try swamp.pid() != second
            }
            try server.signal(.user1)
            _ = try swamp.pid()
            pause(.milliseconds(1100))
            _ = try swamp.pid()
            try swamp.expectCleanStop()
        }

        /// With "swallow" a thread of the core cannot even be killed.
        @Test func `an app root that becomes a dead mount holds up neither its app nor others`() async throws {
            try await together(["hang", "swallow"]) { try Self.buryRoot(by: $0) }
        }

        private static func buryRoot(by mode: String) throws {
            let swamp = try Swamp()
            try swamp.start()
            let root = swamp.site.root(of: "wsgi")
            let first = try swamp.pid()
            let other = try swamp.pid("other")
            #expect(try swamp.pid() == first)
            let server = try swamp.mount(root, at: root, mode: mode)
            let load = try swamp.site.load(clients: 2, app: "other")
            let clock = ContinuousClock()
            for _ in 0..<20 {
                let began = clock.now
                #expect(try swamp.pid() == first)
                // Held for the look once, 200 ms at most.
                #expect(clock.now - began < .seconds(2))
            }
            try load.waitForAnswers(100)
            let result = load.stop()
            #expect(result.refused == [] && result.lost == [])
            #expect(result.pids == [other])
            let threads = TestFile.names(in: "/proc/\(try swamp.site.corePID())/task").count
            #expect(threads < 40, "no thread for each request")
            #expect(server.isRunning)
            try swamp.expectCleanStop()
            #expect(swamp.site.log().contains("core cannot be ended") == (mode == "swallow"))
        }

        @Test func `a link of the app's user to a dead file system costs only their own requests time`() throws {
            let place = try TestDirectory()
            try place.write("", to: "source/restart.txt")
            try Files.makeDirectories(place.file("mount"))
            let swamp = try Swamp()
            try swamp.start()
            let first = try swamp.pid()
            let other = try swamp.pid("other")
            _ = try swamp.mount(place.file("source"), at: place.file("mount"), mode: "hang")
            try Files.makeDirectories("\(swamp.site.root(of: "wsgi"))/tmp")
            try Files.makeLink(
                at: "\(swamp.site.root(of: "wsgi"))/tmp/restart.txt",
                to: place.file("mount/restart.txt")
            )
            let load = try swamp.site.load(clients: 2, app: "other")
            for _ in 0..<10 { #expect(try swamp.pid() == first) }
            try load.waitForAnswers(100)
            let result = load.stop()
            #expect(result.refused == [] && result.lost == [] && result.pids == [other])
            try swamp.expectCleanStop()
        }
    }
}
