// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// A daemon that runs out of disk or descriptors, and gets them back.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and namespaces"), .timeLimit(.minutes(3)))
    struct DaemonResourceTests {
        private static func site() throws -> Site {
            try Site(
                apps: [
                    .init("life", from: "life", owner: Integration.owner(0)),
                    .init("other", from: "wsgi", owner: Integration.owner(1)),
                ],
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_max_instances 1;"]
            )
        }

        /// A daemon whose log and instance directory are on a small disk, which only it sees.
        private final class Cellar {
            let site: Site
            let daemon: RunningProgram
            private let small: String

            init() throws {
                site = try DaemonResourceTests.site()
                small = site.directory.file("small")
                try Files.makeDirectories(small)
                let others = site.daemonArguments.filter {
                    !$0.hasPrefix("--log-file") && !$0.hasPrefix("--instance-registry-dir")
                }
                let moved = others + ["--log-file=\(small)/daemon.log", "--instance-registry-dir=\(small)/registry"]
                let script = "mount -t tmpfs -o size=2m,nr_inodes=200,mode=755 small \(small) && exec \"$@\""
                daemon = try RunningProgram(
                    ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"] + moved,
                    log: site.directory.file("daemon.out")
                )
                let socket = site.socket
                try eventually("the daemon") { (try? UnixSocket.connect(path: socket, nonBlocking: true)) != nil }
                try site.startFront()
            }

            /// The small disk, as the daemon sees it.
            var disk: String { "/proc/\(daemon.pid)/root\(small)" }

            func log() -> String { (try? TestFile.text("\(disk)/daemon.log")) ?? "" }

            func core() throws -> Int32 {
                // The watchdog listens before its core runs.
                var found: Int32?
                try eventually("the core") {
                    found = ProcInfo.children(of: daemon.pid).first { ProcInfo.arguments(of: $0).contains("--core") }
                    return found != nil
                }
                return try #require(found)
            }

            func shell(_ script: String) throws { _ = try Shell.script(script, in: disk) }
        }

        @Test func `a full disk costs log lines, which are counted, and nothing else`() throws {
            let cellar = try Cellar()
            let core = try cellar.core()
            let pid = try cellar.site.page("life", "/pid").pid
            try cellar.shell("dd if=/dev/zero of=fill bs=4096 2>/dev/null")
            for _ in 1...20 { _ = try cellar.site.page("life", "/lines?n=0") }
            #expect(try cellar.site.page("life", "/pid").pid == pid)
            // An application starts without a word in the log.
            _ = try cellar.site.page("other", "/pid")
            try cellar.shell("rm fill")
            try eventually("a note of what was lost") {
                _ = try cellar.site.page("life", "/odd")
                return cellar.log().contains("lines of this log were lost")
            }
            let note = try #require(cellar.log().split(separator: "\n").first { $0.contains("were lost") })
            #expect(note.contains("No space left on device"), "\(note)")
            #expect(cellar.log().pieces(between: "were lost").count <= 3)
            #expect(try cellar.core() == core)
            #expect(try cellar.daemon.terminate() == .exited(0))
        }

        @Test func `without room for another file apps that run go on, others start once there is room`() throws {
            let cellar = try Cellar()
            let core = try cellar.core()
            let pid = try cellar.site.page("life", "/pid").pid
            let descriptors = ProcessFacts.descriptorCount(of: core)
            try cellar.shell("i=0; while : > fill.$i; do i=$((i+1)); done 2>/dev/null")
            let response = try cellar.site.get("other", "/pid")
            #expect(response.status == 500, "\(response.status) \(response.text)")
            for _ in 1...20 { #expect(try cellar.site.page("life", "/pid").pid == pid) }
            #expect(cellar.log().contains("No space left on device"), "\(cellar.log().suffix(1500))")
            #expect(cellar.log().split(separator: "\n").count { $0.contains("No space left") } < 10, "no flood")
            try cellar.shell("rm fill.*")
            try eventually("the other application") { try cellar.site.get("other", "/pid").status == 200 }
            #expect(try cellar.site.page("life", "/pid").pid == pid)
            #expect(try cellar.core() == core)
            // A stream and the channels of the application that came up since, and nothing of the failures.
            #expect(ProcessFacts.descriptorCount(of: core) <= descriptors + 10)
            #expect(try cellar.daemon.terminate() == .exited(0))
        }

        @Test func `without descriptors apps that run go on, others start once there are some`() throws {
            let site = try Self.site()
            try site.startDaemon()
            try site.startFront()
            let core = try site.corePID()
            for _ in 1...8 { _ = try site.page("life", "/pid") }
            let pid = try site.page("life", "/pid").pid
            let numbers = TestFile.names(in: "/proc/\(core)/fd").compactMap { Int($0) }
            let lines = site.log().split(separator: "\n").count
            let hadSoft = 4096
            func limit(_ count: Int) throws {
                #expect(try Shell.run(["prlimit", "--pid", "\(core)", "--nofile=\(count):"]).status.isSuccess)
            }
            try limit((numbers.max() ?? 0) + 1)
            let response = try site.get("other", "/pid")
            #expect(response.status >= 500, "\(response.status)")
            // Whoever knocks now waits at the door.
            var waiting: [SharedDescriptor] = []
            for _ in 1...10 {
                waiting.append(SharedDescriptor(try UnixSocket.connect(path: site.socket, nonBlocking: true)))
            }
            for _ in 1...30 {
                let kept = try site.get("life", "/pid")
                #expect(kept.status == 200 && kept.pid == pid, "\(kept.status) \(kept.text)")
            }
            #expect(site.log().contains("Too many open files"), "\(site.log().suffix(1500))")
            #expect(site.log().split(separator: "\n").count - lines < 30, "no flood:\n\(site.log().suffix(3000))")
            try limit(hadSoft)
            waiting = []
            try eventually("the other application") { try site.get("other", "/pid").status == 200 }
            #expect(try site.corePID() == core)
            #expect(try site.page("life", "/pid").pid == pid)
            #expect(ProcessFacts.descriptorCount(of: core) <= numbers.count + 12)
            _ = try site.status()
        }
    }
}
