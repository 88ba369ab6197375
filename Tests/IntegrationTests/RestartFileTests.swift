// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What touching files does to running applications.
    @Suite(.timeLimit(.minutes(3)))
    struct RestartFileTests {
        private static func site(
            _ settings: [String] = [],
            root: String? = nil,
            flags: [String] = []
        ) throws -> Site {
            let source = root == nil ? "wsgi" : nil
            return try Site(
                apps: [.init("wsgi", from: source, owner: Integration.owner(0), root: root, settings: settings)],
                daemonFlags: flags,
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_max_instances 1;"]
            )
        }

        private static func running(_ settings: [String] = [], flags: [String] = []) throws -> Site {
            let site = try site(settings, flags: flags)
            try site.startDaemon()
            try site.startFront()
            return site
        }

        private static func pid(_ site: Site) throws -> Int32 { try #require(try site.page("wsgi", "/pid").pid) }

        /// `touch`, with the directory above, as whoever deploys.
        private static func touch(_ path: String, _ options: String...) throws {
            let directory = path.split(separator: "/").dropLast().joined(separator: "/")
            try Files.makeDirectories("/\(directory)")
            #expect(try Shell.run(["touch"] + options + [path]).status.isSuccess)
        }

        /// Whether the next request is answered by another process than the last one.
        private static func restarts(_ site: Site, _ last: inout Int32) throws -> Bool {
            let next = try pid(site)
            defer { last = next }
            return next != last
        }

        @Test func `a restart file restarts when it appears or its time changes, not when it vanishes`() throws {
            let site = try Self.running()
            let file = "\(site.root(of: "wsgi"))/tmp/restart.txt"
            var last = try Self.pid(site)
            #expect(try !Self.restarts(site, &last))
            // Without a tmp directory until here.
            try Self.touch(file)
            #expect(try Self.restarts(site, &last))
            #expect(try !Self.restarts(site, &last))
            try Self.touch(file, "-d", "2020-01-01")
            #expect(try Self.restarts(site, &last), "an older time")
            try Self.touch(file, "-d", "2035-01-01")
            #expect(try Self.restarts(site, &last), "a newer time")
            #expect(try !Self.restarts(site, &last))
            try Files.remove(file)
            #expect(try !Self.restarts(site, &last))
            try Self.touch(file, "-d", "2035-01-01")
            #expect(try Self.restarts(site, &last), "it is back")
            #expect(site.log().contains("restart.txt was touched"))
        }

        @Test func `a restart file that is there at the start restarts nothing`() throws {
            let site = try Self.site()
            try Self.touch("\(site.root(of: "wsgi"))/tmp/restart.txt")
            try site.startDaemon()
            try site.startFront()
            var last = try Self.pid(site)
            #expect(try !Self.restarts(site, &last))
        }

        /// A deployment in the manner of Capistrano, with one release that lies ready.
        private static func deployment(_ releases: [String]) throws -> Site {
            let site = try site(root: "shop/current")
            for release in releases {
                let text = try Repository.text("Tests/IntegrationTests/Apps/wsgi/passenger_wsgi.py")
                let edited = text.pieces(between: "app: wsgi").joined(separator: "app: release \(release)")
                try site.directory.write(edited, to: "apps/shop/releases/\(release)/passenger_wsgi.py")
                try site.directory.write("", to: "apps/shop/releases/\(release)/public/empty.txt")
            }
            try give(site)
            try switchTo(releases[0], site)
            try site.startDaemon()
            try site.startFront()
            return site
        }

        private static func give(_ site: Site) throws {
            guard let owner = Integration.owner(0) else { return }
            try TestDirectory.give(site.directory.file("apps/shop/releases"), to: owner)
        }

        private static func switchTo(_ release: String, _ site: Site) throws {
            let link = site.directory.file("apps/shop/current")
            try Files.makeLink(at: "\(link).next", to: "releases/\(release)")
            try Files.rename("\(link).next", to: link)
        }

        @Test func `current that leads to another release restarts for its restart file alone`() throws {
            let site = try Self.deployment(["1", "2", "3"])
            let releases = site.directory.file("apps/shop/releases")
            #expect(try site.page("wsgi").field("app") == "release 1")
            var last = try Self.pid(site)
            // No restart file there: the old code goes on, until somebody touches one.
            try Self.switchTo("2", site)
            #expect(try !Self.restarts(site, &last))
            try Self.touch("\(releases)/2/tmp/restart.txt")
            #expect(try Self.restarts(site, &last))
            #expect(try site.page("wsgi").field("app") == "release 2")
            // One that lies ready in the next release, of the very same time, is another file.
            try Self.touch("\(releases)/3/tmp/restart.txt", "-r", "\(releases)/2/tmp/restart.txt")
            #expect(try !Self.restarts(site, &last))
            try Self.switchTo("3", site)
            #expect(try Self.restarts(site, &last))
            #expect(try site.page("wsgi").field("app") == "release 3")
            // And back, for a rollback.
            try Self.switchTo("2", site)
            #expect(try Self.restarts(site, &last))
            #expect(try site.page("wsgi").field("app") == "release 2")
        }

        @Test(arguments: [false, true])
        func `the restart directory is another one, relative to the root or absolute`(_ isAbsolute: Bool) throws {
            let place = try TestDirectory()
            let value = isAbsolute ? place.file("restart") : "var/restart"
            let site = try Self.running(["passenger_restart_dir \(value);"])
            let directory = isAbsolute ? value : "\(site.root(of: "wsgi"))/\(value)"
            var last = try Self.pid(site)
            try Self.touch("\(site.root(of: "wsgi"))/tmp/restart.txt")
            #expect(try !Self.restarts(site, &last))
            try Self.touch("\(directory)/restart.txt")
            #expect(try Self.restarts(site, &last))
            #expect(try !Self.restarts(site, &last))
        }

        @Test func `a throttle spares looks, the flag for all apps and the setting for one`() throws {
            let site = try Self.site(flags: ["--stat-throttle-rate=1h"])
            try site.add(
                .init(
                    "hasty",
                    from: "wsgi",
                    owner: Integration.owner(1),
                    settings: ["passenger_stat_throttle_rate 0;"]
                )
            )
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            var last = try Self.pid(site)
            let hasty = try site.page("hasty", "/pid").pid
            for app in ["wsgi", "hasty"] {
                for name in ["restart.txt", "always_restart.txt"] {
                    try Self.touch("\(site.root(of: app))/tmp/\(name)")
                }
            }
            #expect(try !Self.restarts(site, &last))
            #expect(try site.page("hasty", "/pid").pid != hasty)
        }

        @Test func `always_restart restarts for each request while it is there, with a restart file or not`() throws {
            let site = try Self.running()
            let directory = "\(site.root(of: "wsgi"))/tmp"
            var last = try Self.pid(site)
            try Self.touch("\(directory)/always_restart.txt")
            for _ in 1...3 { #expect(try Self.restarts(site, &last)) }
            try Self.touch("\(directory)/restart.txt")
            for _ in 1...3 { #expect(try Self.restarts(site, &last)) }
            try Files.remove("\(directory)/always_restart.txt")
            #expect(try !Self.restarts(site, &last))
            try Self.touch("\(directory)/restart.txt", "-d", "2020-01-01")
            #expect(try Self.restarts(site, &last))
            #expect(try !Self.restarts(site, &last))
        }

        @Test func `under always_restart concurrent requests share a restart, and none fails or starves`() throws {
            let site = try Self.running()
            _ = try Self.pid(site)
            try Self.touch("\(site.root(of: "wsgi"))/tmp/always_restart.txt")
            let load = try site.load(clients: 6, app: "wsgi")
            try load.waitForAnswers(40)
            let result = load.stop()
            #expect(result.refused == [] && result.lost == [])
            #expect(result.pids.count > 1 && result.pids.count <= result.answered)
            // What was replaced has ended.
            try eventually("one process to be left") { try site.processes(of: "wsgi").count == 1 }
        }

        @Test func `a FIFO and a directory are restart files like any other, a loop of links is none`() throws {
            let site = try Self.running()
            let directory = "\(site.root(of: "wsgi"))/tmp"
            var last = try Self.pid(site)
            try Files.makeDirectories(directory)
            #expect(try Shell.run(["mkfifo", "\(directory)/restart.txt"]).status.isSuccess)
            #expect(try Self.restarts(site, &last))
            #expect(try !Self.restarts(site, &last))
            try Files.remove("\(directory)/restart.txt")
            #expect(try !Self.restarts(site, &last))
            try Files.makeLink(at: "\(directory)/restart.txt", to: "restart.txt")
            try Files.makeLink(at: "\(directory)/always_restart.txt", to: "always_restart.txt")
            #expect(try !Self.restarts(site, &last))
            try Files.remove("\(directory)/restart.txt")
            try Files.remove("\(directory)/always_restart.txt")
            try Files.makeDirectories("\(directory)/restart.txt")
            #expect(try Self.restarts(site, &last))
            #expect(try !Self.restarts(site, &last))
        }

        @Test func `a tmp that is a link is followed`() throws {
            let site = try Self.running()
            var last = try Self.pid(site)
            try Files.makeDirectories(site.directory.file("shared/tmp"))
            try Files.makeLink(at: "\(site.root(of: "wsgi"))/tmp", to: site.directory.file("shared/tmp"))
            #expect(try !Self.restarts(site, &last))
            try Self.touch(site.directory.file("shared/tmp/restart.txt"))
            #expect(try Self.restarts(site, &last))
            #expect(try !Self.restarts(site, &last))
        }

        @Test func `an app whose root is removed goes on, and restarts when it is back with its restart file`() throws {
            let site = try Self.running()
            let root = site.root(of: "wsgi")
            var last = try Self.pid(site)
            try Files.rename(root, to: "\(root).away")
            #expect(try !Self.restarts(site, &last))
            try Files.rename("\(root).away", to: root)
            #expect(try !Self.restarts(site, &last))
            try Self.touch("\(root)/tmp/restart.txt")
            #expect(try Self.restarts(site, &last))
            try Files.rename(root, to: "\(root).away")
            #expect(try !Self.restarts(site, &last))
            try Files.rename("\(root).away", to: root)
            #expect(try Self.restarts(site, &last))
            #expect(try !Self.restarts(site, &last))
        }
    }
}
