// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// A tenant sets the times of files to what touch(1) can say.
    @Suite(.timeLimit(.minutes(1)))
    struct FileTimeTests {
        /// The moment and what the front tells of it: never before 1970, never later than the answer.
        private static let moments: [(date: String, modified: String?)] = [
            ("2300-01-01", nil), ("1900-01-01", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("@-1.5", "Thu, 01 Jan 1970 00:00:00 GMT"), ("12000-01-01", nil),
            ("@9223372036854775807.999999999", nil), ("@-9223372036854775808", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("2000-02-29 12:00Z", "Tue, 29 Feb 2000 12:00:00 GMT"),
        ]

        private static func touch(_ path: String, _ date: String) throws {
            let outcome = try Shell.run(["touch", "-d", date, path])
            #expect(outcome.status.isSuccess, "\(outcome.output)")
        }

        /// Application root on a file system that keeps every moment; ext4 ends with the year 2446.
        private static func site(_ root: String) throws -> Site {
            let app = Site.App("wsgi", from: nil, settings: ["passenger_max_instances 1;"])
            let site = try Site(apps: [app], httpSettings: ["passenger_load_shell_envvars off;"])
            let text = try Repository.text("Tests/IntegrationTests/Apps/wsgi/passenger_wsgi.py")
            try Files.setMode(root, 0o755)
            for directory in ["tmp", "public"] { try Files.makeDirectories("\(root)/\(directory)") }
            try Files.write(Array(text.utf8), to: "\(root)/passenger_wsgi.py", mode: 0o644)
            try Files.write(Array("file\n".utf8), to: "\(root)/public/file.txt", mode: 0o644)
            try Files.write([], to: "\(root)/tmp/restart.txt", mode: 0o644)
            if let owner = Integration.owner(0) { try TestDirectory.give(root, to: owner) }
            try Files.makeDirectories(site.directory.file("apps"))
            try Files.makeLink(at: site.root(of: "wsgi"), to: root)
            try site.startDaemon()
            try site.startFront()
            return site
        }

        @Test(.enabled(if: TestFile.exists("/dev/shm"), "no tmpfs"))
        func `no date of a file ends core, worker or tools`() throws {
            let root = try Files.makeTemporaryDirectory(in: "/dev/shm", prefix: "fp-test.")
            defer { try? Files.removeTree(root) }
            let site = try Self.site(root)
            let core = try site.corePID()
            let workers = try site.workerPIDs()
            // What tools and daemons look at when they search for others.
            let foreign = site.directory.file("registry/passenger.1900")
            try Files.makeDirectories(foreign)
            var last: Int32?
            var tags: Set<String?> = []
            for (date, modified) in Self.moments {
                for file in ["passenger_wsgi.py", "tmp/restart.txt", "tmp", "public/file.txt", "public", ""] {
                    try Self.touch("\(root)/\(file)", date)
                }
                try Self.touch(foreign, date)
                let pid = try site.page("wsgi", "/pid").pid
                #expect(pid != last, "\(date) is another time of restart.txt")
                last = pid
                let file = try site.page("wsgi", "/file.txt")
                #expect(file.text == "file\n")
                #expect(file.header("last-modified") == modified ?? file.header("date"), "\(date)")
                #expect(tags.insert(file.header("etag")).inserted, "\(date)")
                let tag = try #require(file.header("etag"))
                #expect(try site.get("wsgi", "/file.txt", headers: "If-None-Match: \(tag)\r\n").status == 304)
                let part = try site.get("wsgi", "/file.txt", headers: "Range: bytes=1-2\r\nIf-Range: \(tag)\r\n")
                #expect(part.status == 206 && part.text == "il")
                #expect(try site.processes(of: "wsgi").map(\.pid) == [pid], "passenger-status")
            }
            #expect(try site.corePID() == core, "\(site.log().suffix(3000))")
            #expect(try site.workerPIDs() == workers, "\((try? TestFile.text(site.frontLog)) ?? "")")
        }
    }
}
