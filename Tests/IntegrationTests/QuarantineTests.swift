// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// An application by which the core ends, again and again.
    ///
    /// Its root is on a file system that does not answer, so that a thread of the core is busy with it for as long as the test
    /// likes; there it is hit by the signal that a fault would raise.
    @Suite(
        .enabled(if: Machine.canUnshare && TestFile.exists("/dev/fuse"), "needs root, namespaces and /dev/fuse"),
        .timeLimit(.minutes(2))
    )
    struct QuarantineTests {
        private final class Minefield {
            let site: Site
            private let script: String
            private var server: RunningProgram?
            var root: String { site.root(of: "mine") }

            init() throws {
                site = try Site(
                    apps: [
                        .init("mine", from: "wsgi", owner: Machine.appUsers[0]),
                        .init("other", from: "wsgi", owner: Machine.appUsers[1]),
                    ],
                    httpSettings: ["passenger_load_shell_envvars off;", "passenger_max_instances 1;"]
                )
                script = try site.directory.write(
                    try Repository.text("Tests/IntegrationTests/Scripts/hanging-fs.py"),
                    to: "hanging-fs.py"
                )
                site.daemonWrapper = ["unshare", "--mount", "--propagation", "private"]
                try site.startDaemon()
                try site.startFront()
            }

            /// From now on whoever looks at the application waits.
            func lay() throws {
                let daemon = try #require(site.daemon)
                let pidFile = site.directory.file("fs.pid")
                // There from the last time, or not.
                _ = try? Files.remove(pidFile)
                let server = try RunningProgram(
                    [
                        "nsenter", "--mount", "--target", "\(daemon.pid)", "/usr/bin/python3", script, root, root,
                        pidFile,
                        "hang",
                    ],
                    log: site.directory.file("fs.log")
                )
                self.server = server
                try eventually("the file system to be mounted: \(server.output)") {
                    TestFile.exists(pidFile) || !server.isRunning
                }
            }

            /// The thread that looks at the application gets a fault; it comes out of the kernel with it.
            func step(_ signal: String) throws {
                let core = try site.corePID()
                var thread: String?
                try eventually("a thread that looks at the application") {
                    thread = TestFile.names(in: "/proc/\(core)/task").first {
                        // A thread that has ended has no name any more.
                        (try? TestFile.text("/proc/\(core)/task/\($0)/comm")) == "file-look\n"
                    }
                    return thread != nil
                }
                let call =
                    "import ctypes, signal, sys; "
                    + "sys.exit(ctypes.CDLL(None).tgkill(\(core), \(try #require(thread)), signal.\(signal)))"
                let outcome = try Shell.run(["/usr/bin/python3", "-c", call])
                try #require(outcome.status.isSuccess, "\(outcome.output)")
                try clear()
                try eventually("the core to end") { ProcInfo(pid: core) == nil }
            }

            /// The file system is gone again.
            func clear() throws {
                let daemon = try #require(site.daemon)
                _ = try server?.signal(.kill)
                server = nil
                let outcome = try Shell.run([
                    "nsenter", "--mount", "--target", "\(daemon.pid)", "umount", "--lazy", root,
                ])
                try #require(outcome.status.isSuccess, "\(outcome.output)")
            }

            deinit {
                // Whoever waits for the file system is let go of when its server ends.
                _ = try? server?.signal(.kill)
                site.close()
            }
        }

        @Test func `an app that ended the core twice is left alone, and others are served; the tool lifts it`() throws {
            let field = try Minefield()
            let site = field.site
            for signal in ["SIGSEGV", "SIGILL"] {
                // Its processes ended with the core.
                #expect(try site.page("mine", "/pid").pid != nil)
                try field.lay()
                // Held for the look, then served by the process that is there.
                _ = try site.page("mine", "/pid")
                try field.step(signal)
                try Self.expectServed("other", site)
            }
            #expect(site.log().contains("the core ended while it worked on this app;"), "\(site.log())")
            #expect(site.log().contains("which is put into quarantine"), "\(site.log())")
            let refused = try site.get("mine", "/pid")
            #expect(refused.status == 500, "\(refused.text)")
            #expect(try site.page("other", "/pid").pid != nil)
            let group = try #require(try site.status().groups.first { $0.name == field.root })
            #expect(group.quarantinedSeconds.map { (1...60).contains($0) } == true)
            #expect(group.lastError?.kind == "quarantine" && group.processes == [])
            try Self.expectText(site, holds: "IN QUARANTINE for")
            // A core that is killed changes nothing, and the next one keeps to it.
            let core = try site.corePID()
            _ = try ProcessHandle(pid: core).signal(.kill)
            try Self.expectServed("other", site)
            #expect(try site.get("mine", "/pid").status == 500)
            let lift = try Shell.run([
                Repository.program("passenger-status"), "--socket-file=\(site.socket)", "--lift-quarantine", field.root,
            ])
            #expect(lift.status.isSuccess, "\(lift.output)")
            try Self.expectServed("mine", site)
        }

        private static func expectServed(_ app: String, _ site: Site) throws {
            try eventually("\(app) to be served") { try site.get(app, "/pid").status == 200 }
        }

        private static func expectText(_ site: Site, holds text: String) throws {
            let outcome = try Shell.run([Repository.program("passenger-status"), "--socket-file=\(site.socket)"])
            #expect(outcome.output.contains(text), "\(outcome.output)")
        }
    }
}
