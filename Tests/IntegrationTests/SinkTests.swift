// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Logs that root opens, in places where a user could put a link in the way.
    @Suite(.enabled(if: Machine.isRoot, "giving files away needs root"), .timeLimit(.minutes(1)))
    struct SinkTests {
        private static let user = Machine.appUsers[0]

        /// A directory of the user's with links to a file of root's, and one where everybody may make links.
        private static func arrange(_ site: Site) throws -> (theirs: String, open: String, target: String) {
            let target = try site.directory.write("kept\n", to: "target", mode: 0o600)
            let theirs = site.directory.file("theirs")
            let open = site.directory.file("open")
            try Files.makeDirectories(theirs)
            try Files.makeDirectory(open, mode: 0o1777)
            for path in ["\(theirs)/log", "\(open)/log"] { try Files.makeLink(at: path, to: target) }
            try TestDirectory.give(theirs, to: user)
            try Files.setOwner("\(open)/log", owner: user.uid, group: user.primaryGroup)
            return (theirs, open, target)
        }

        /// Before, root opened what the link led to, and appended to it.
        @Test func `the daemon and the front start with no log that a user could lead elsewhere`() throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Self.user)])
            let (theirs, open, target) = try Self.arrange(site)
            for log in ["\(theirs)/log", "\(theirs)/new", "\(open)/log", "\(open)/new"] {
                let daemon = try Shell.run([
                    Repository.program("flying-passenger"), "--socket-file=\(site.socket)", "--log-file=\(log)",
                    "--instance-registry-dir=\(site.directory.file("registry"))",
                ])
                #expect(
                    !daemon.status.isSuccess && daemon.output.contains("root would write there"),
                    "\(daemon.output)"
                )
                #expect(daemon.output.contains("eep the log in a directory of root's"), "\(daemon.output)")
                let front = try Shell.run([
                    Repository.program("front-proxy"), "--fly-with=\(site.socket)", "--log-file=\(log)",
                    "--listen=unix:\(site.directory.file("front.sock"))", "--app-root=\(site.root(of: "wsgi"))",
                ])
                #expect(!front.status.isSuccess && front.output.contains("root would write there"), "\(front.output)")
            }
            site.httpSettings.append("access_log \(theirs)/log;")
            try site.writeConfiguration()
            let front = try Shell.run([Repository.program("front-proxy"), "--config=\(site.configurationPath)"])
            #expect(!front.status.isSuccess && front.output.contains("cannot open the access log"), "\(front.output)")
            // And the dry run says so before.
            let check = try Shell.run([
                Repository.program("front-proxy"), "--config=\(site.configurationPath)", "--test-config",
            ])
            #expect(!check.status.isSuccess && check.output.contains("root would write there"), "\(check.output)")
            #expect(try TestFile.text(target) == "kept\n" && !TestFile.exists("\(theirs)/new"))
            #expect(try FileStatus(path: target).mode == 0o600)
        }

        /// Before, root made a file, or wrote over one, wherever a link led.
        @Test func `the daemon and the front start with no PID file that a user could lead elsewhere`() throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Self.user)])
            let (theirs, open, target) = try Self.arrange(site)
            let safe = site.directory.file("safe")
            try Files.makeDirectories(safe)
            let second = try Shell.run(["ln", target, "\(safe)/second"])
            #expect(second.status.isSuccess, "\(second.output)")
            let cases = ["\(theirs)/log", "\(theirs)/new", "\(open)/log", "\(open)/new"].map {
                (path: $0, reason: "could lead this PID file elsewhere")
            }
            for (path, reason) in cases + [("\(safe)/second", "there is something that is not a file of this user's")] {
                let daemon = try Shell.run([
                    Repository.program("flying-passenger"), "--socket-file=\(site.socket)", "--pid-file=\(path)",
                    "--instance-registry-dir=\(site.directory.file("registry"))",
                ])
                #expect(!daemon.status.isSuccess && daemon.output.contains(reason), "\(daemon.output)")
                let front = try Shell.run([
                    Repository.program("front-proxy"), "--fly-with=\(site.socket)", "--pid-file=\(path)",
                    "--listen=unix:\(site.directory.file("front.sock"))", "--app-root=\(site.root(of: "wsgi"))",
                ])
                #expect(!front.status.isSuccess && front.output.contains(reason), "\(front.output)")
            }
            #expect(try TestFile.text(target) == "kept\n" && !TestFile.exists("\(theirs)/new"))
        }

        @Test func `a log that a user gets into the way of is not opened anew, and the old one goes on`() throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Self.user)])
            let (_, _, target) = try Self.arrange(site)
            let logs = site.directory.file("logs")
            try Files.makeDirectories(logs)
            site.httpSettings.append("access_log \(logs)/access.log;")
            try site.writeConfiguration()
            try site.startDaemon()
            let front = try site.startFront()
            _ = try site.page("wsgi")
            try eventually("the request in the log") { try TestFile.text("\(logs)/access.log").contains("GET /") }
            for path in [site.daemonLog, site.frontLog, "\(logs)/access.log"] {
                let status = try FileStatus(path: path)
                let group = try Accounts.group(named: "adm")?.gid ?? 0
                #expect(status.mode == 0o640 && status.owner == 0 && status.group == group, "\(path)")
            }
            // The administrator gives the directory away; the user puts a link in the place of the log.
            try Files.rename("\(logs)/access.log", to: "\(logs)/access.log.1")
            try Files.makeLink(at: "\(logs)/access.log", to: target)
            try TestDirectory.give(logs, to: Self.user)
            _ = try ProcessHandle(pid: front.pid).signal(.user1)
            try eventually("the refusal in the log") {
                try TestFile.text(site.frontLog).contains("cannot open an access log anew")
            }
            #expect(try TestFile.text(site.frontLog).contains("root would write there"))
            #expect(try site.page("wsgi").status == 200)
            try eventually("the request in the old log") {
                try TestFile.text("\(logs)/access.log.1").split(separator: "\n").count == 2
            }
            #expect(try TestFile.text(target) == "kept\n")
        }
    }
}
