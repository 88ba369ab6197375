// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// The two Unicode forms of "café" are two names, wherever one comes from outside.
    @Suite(.timeLimit(.minutes(1)))
    struct NameFormsTests {
        private static let forms = ["caf\u{E9}", "cafe\u{301}"]

        /// Applications that differ in the form alone: of their roots, and of their groups where those are named.
        private static func site(named groups: Bool) throws -> Site {
            let apps = zip(["composed", "decomposed"], forms).enumerated().map { number, names in
                let folder = groups ? names.0 : names.1
                return Site.App(
                    names.0,
                    from: nil,
                    owner: Integration.owner(number),
                    root: folder,
                    settings: ["passenger_env_var \(names.1) \(names.0);"]
                        + (groups ? ["passenger_app_group_name \(names.1);"] : [])
                )
            }
            let site = try Site(apps: apps, httpSettings: ["passenger_load_shell_envvars off;"])
            site.httpSettings.append("passenger_env_var \(forms[0])-and-\(forms[0]) 1;")
            site.httpSettings.append("passenger_env_var \(forms[0])-and-\(forms[1]) 2;")
            try site.writeConfiguration()
            let text = try Repository.text("Tests/IntegrationTests/Apps/wsgi/passenger_wsgi.py")
            for app in apps {
                try site.directory.write(text, to: "apps/\(app.root)/passenger_wsgi.py")
                try site.directory.write("\(app.name) file\n", to: "apps/\(app.root)/public/file.txt")
                if let owner = app.owner { try TestDirectory.give(site.root(of: app.root), to: owner) }
            }
            try site.startDaemon()
            try site.startFront()
            return site
        }

        @Test(arguments: [false, true])
        func `applications whose names differ in form only have processes, users, files and variables of their own`(
            _ groups: Bool
        ) throws {
            let site = try Self.site(named: groups)
            var pids: Set<Int32> = []
            for (number, name) in ["composed", "decomposed"].enumerated() {
                let page = try site.page(name)
                #expect(pids.insert(try #require(page.pid)).inserted, "one process for both")
                if let owner = Integration.owner(number) { #expect(page.field("user") == owner.name) }
                let variables = try site.page(name, "/env").text.split(separator: "\n")
                for line in [
                    "\(Self.forms[number])=\(name)", "\(Self.forms[0])-and-\(Self.forms[0])=1",
                    "\(Self.forms[0])-and-\(Self.forms[1])=2",
                ] {
                    #expect(variables.contains { $0.utf8.elementsEqual(line.utf8) }, "\(line)")
                }
                #expect(try site.page(name, "/file.txt").text == "\(name) file\n")
            }
            #expect(try site.status().groups.map(\.processes.count) == [1, 1])
            // Each again by its own process.
            for name in ["composed", "decomposed"] { pids.insert(try #require(try site.page(name, "/pid").pid)) }
            #expect(pids.count == 2)
        }
    }
}
