// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Restart files that are links: what they lead to restarts an application only if its user may see it.
    @Suite(.enabled(if: Machine.isRoot, "giving files away needs root"), .timeLimit(.minutes(1)))
    struct RestartLinkTests {
        /// Before, each of these restarts told the user that root had made a file in a closed directory.
        @Test(arguments: ["tmp/restart.txt", "tmp", "tmp/always_restart.txt"])
        func `a restart tells nothing about a directory that the application's user may not enter`(_ link: String)
            throws
        {
            let user = Machine.appUsers[0]
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: user)])
            let root = site.root(of: "wsgi")
            let closed = site.directory.file("closed")
            try Files.makeDirectories(closed)
            try Files.setMode(closed, 0o700)
            if link.contains("/") { try Files.makeDirectories("\(root)/tmp") }
            try? Files.removeTree("\(root)/\(link)")
            try Files.makeLink(at: "\(root)/\(link)", to: link == "tmp" ? closed : "\(closed)/secret")
            try TestDirectory.give(root, to: user)
            try Files.setOwner("\(root)/\(link)", owner: user.uid, group: nil)
            try site.startDaemon()
            try site.startFront()
            let pid = try #require(try site.page("wsgi", "/pid").pid)
            for name in link == "tmp" ? ["restart.txt", "always_restart.txt"] : ["secret"] {
                try site.directory.write("", to: "closed/\(name)")
                for _ in 0..<3 { #expect(try site.page("wsgi", "/pid").pid == pid, "\(link)") }
            }
            // What the user may see counts: the directory is opened.
            try Files.setMode(closed, 0o755)
            try eventually("a restart") { try site.page("wsgi", "/pid").pid != pid }
        }

        @Test func `a restart file through links of a deployment restarts the application`() throws {
            let user = Machine.appUsers[0]
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: user)])
            let root = site.root(of: "wsgi")
            try? Files.removeTree("\(root)/tmp")
            try site.directory.write("", to: "apps/shared/tmp/other")
            try Files.makeLink(at: "\(root)/tmp", to: "../shared/tmp")
            try TestDirectory.give(root, to: user)
            try TestDirectory.give(site.directory.file("apps/shared"), to: user)
            // Nobody but the user and root may look.
            try Files.setMode(site.directory.file("apps/shared"), 0o700)
            try site.startDaemon()
            try site.startFront()
            var pid = try #require(try site.page("wsgi", "/pid").pid)
            for _ in 0..<3 {
                try site.directory.write("", to: "apps/shared/tmp/restart.txt")
                let next = try #require(try site.page("wsgi", "/pid").pid)
                #expect(next != pid)
                #expect(try site.page("wsgi", "/pid").pid == next)
                pid = next
            }
        }
    }
}
