// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What log, page, status and details file of the real programs say about a failure.
    @Suite(.timeLimit(.minutes(2)))
    struct FailureReportTests {
        private static let owner = Integration.owner(0)

        /// A site with one app of Python that consists of `source`, in a directory of its own.
        private static func site(_ source: String, settings: [String] = []) throws -> Site {
            let site = try Site(apps: [.init("app", from: "wsgi", owner: Self.owner, settings: settings)])
            try self.write(source, to: site)
            try site.startDaemon()
            try site.startFront()
            return site
        }

        private static func write(_ source: String, to site: Site) throws {
            try site.directory.write(source, to: "apps/app/passenger_wsgi.py")
            if let owner { try TestDirectory.give(site.root(of: "app"), to: owner) }
        }

        private static func failures(of site: Site) throws -> String {
            let names = TestFile.names(in: site.directory.file("registry"))
            let instance = try #require(names.first { $0.hasPrefix("passenger.") })
            return site.directory.file("registry/\(instance)/failures")
        }

        /// The line of the log about the failure with this ID.
        private static func line(_ id: String, in site: Site) throws -> String {
            var found: Substring?
            try eventually("a line about \(id); the log:\n\(site.log())") {
                found = site.log().split(separator: "\n").first { $0.contains("error-id=\(id)") }
                return found != nil
            }
            return found.map(String.init) ?? ""
        }

        /// The details file of the app's last error; checks that log and page speak of the same one.
        private static func details(_ page: HTTPResponse, _ site: Site) throws -> (text: String, path: String) {
            let error = try #require(try site.status().groups.first?.lastError)
            #expect(error.id.utf8.count == 8)
            #expect(page.text.contains(error.id), "\(page.text)")
            let path = try #require(error.detailsFile)
            #expect(path == "\(try Self.failures(of: site))/\(error.id).txt")
            let line = try Self.line(error.id, in: site)
            for part in [path, "kind=\(error.kind ?? "")"] { #expect(line.contains(part), "\(line)") }
            #expect(line.utf8.count < 4096, "\(line)")
            let text = try TestFile.text(path)
            #expect(text.contains("Error \(error.id), "), "\(text)")
            return (text, path)
        }

        @Test func `answer, log, status and file have one error ID, and only the daemon may read the file`() throws {
            let site = try Self.site("print('about to import', flush=True)\nimport not_there_at_all\n")
            let page = try site.get("app")
            #expect(page.status == 500)
            #expect(!page.text.contains("not_there_at_all"), "no details outside of development")
            let (text, path) = try Self.details(page, site)
            let status = try FileStatus(path: path)
            #expect(status.mode == 0o600 && status.owner == CurrentProcess.effectiveUID)
            #expect(try FileStatus(path: Self.failures(of: site)).mode == 0o700)
            for part in [
                "A module is missing", "not_there_at_all", "  | about to import", site.root(of: "app"),
                "-m pip install not_there_at_all", "kind missing-module", "load-app ", "passenger_wsgi.py",
            ] {
                #expect(text.contains(part), "\(part) in:\n\(text)")
            }
            if let owner = Self.owner {
                #expect(text.contains("\(owner.name) (uid \(owner.uid))") && text.contains("\(owner.name) owns"))
            }
            let again = try site.get("app")
            #expect(try Self.details(again, site).path == path, "the stored report answers while no start is tried")
        }

        @Test func `secrets stay out of details file, log line and page`() throws {
            let secrets = ["hunter2", "sesame", "letmein"]
            let site = try Self.site(
                "import os\nraise RuntimeError('cannot reach ' + os.environ['DATABASE_URL'])\n",
                settings: [
                    "passenger_env_var SECRET_KEY_BASE hunter2;", "passenger_env_var API_TOKEN sesame;",
                    "passenger_env_var DATABASE_URL postgres://joe:letmein@db/shop;", "passenger_env_var COLOUR green;",
                    "passenger_friendly_error_pages on;",
                ]
            )
            let page = try site.get("app", headers: "Accept: text/plain\r\n")
            let (text, _) = try Self.details(page, site)
            let error = try #require(try site.status().groups.first?.lastError)
            let line = try Self.line(error.id, in: site)
            for secret in secrets {
                #expect(!text.contains(secret), "\(text)")
                #expect(!line.contains(secret), "\(line)")
                #expect(!page.text.contains(secret), "\(page.text)")
                #expect(!error.summary.contains(secret))
            }
            #expect(text.contains("postgres://joe:********@db/shop"))
            for part in ["COLOUR", "green", "SECRET_KEY_BASE", "RuntimeError"] {
                #expect(text.contains(part), "\(part)")
            }
        }

        @Test func `the front gets details as long as friendly pages are on`() throws {
            let site = try Self.site("import not_there_at_all\n", settings: ["passenger_app_env development;"])
            let header = "Accept: application/json\r\n"
            let page = try site.get("app", headers: header)
            #expect(page.status == 500)
            let id = try #require(try site.status().groups.first?.lastError?.id)
            for part in [id, "missing-module", site.root(of: "app"), "\"failedStep\":\"load-app\"", "MiB free of"] {
                #expect(page.text.contains(part), "\(part) in:\n\(page.text)")
            }
            let settings = ["passenger_app_env development;", "passenger_friendly_error_pages off;"]
            site.remove("app")
            try site.add(.init("app", from: nil, settings: settings))
            try site.writeConfiguration()
            try site.front?.signal(.hangUp)
            try eventually("the short page") {
                let page = try site.get("app", headers: header)
                return page.status == 500 && !page.text.contains("missing-module") && page.text.contains(id)
            }
        }

        @Test func `processes that crash again and again have a report`() throws {
            let source = """
                import os, sys
                def application(environ, start_response):
                    print('going down', flush=True)
                    os._exit(7)
                """
            let site = try Self.site(source)
            // Each request may be what ends its process: no start is held back for it, and each page has an ID of its own.
            for _ in 0..<3 { #expect(try site.get("app").status == 502) }
            try eventually("the report of the last one") {
                site.log().pieces(between: "process ended without having been asked to").count == 4
            }
            let line = try #require(
                site.log().split(separator: "\n").last { $0.contains("process ended without having been asked to") }
            )
            let id = try #require(line.firstMatch(of: #/error-id=([0-9a-f]{8})/#)).output.1
            #expect(line.contains("kind=crash") && line.contains("last-output=\"going down\""), "\(line)")
            let text = try TestFile.text("\(try Self.failures(of: site))/\(id).txt")
            for part in [
                "Error \(id), ", "The application crashed", "exit code 7", "  | going down",
                "while a request was running",
            ] {
                #expect(text.contains(part), "\(part) in:\n\(text)")
            }
        }

        @Test func `a touched restart file forgets the failure, and the next start serves`() throws {
            let site = try Self.site("raise RuntimeError('not yet')\n")
            #expect(try site.get("app").status == 500)
            try Self.write(
                "def application(e, s):\n    s('200 OK', [('Content-Type', 'text/plain')])\n    return [b'well']\n",
                to: site
            )
            try site.directory.write("", to: "apps/app/tmp/restart.txt")
            try eventually("the app to serve") { try site.get("app").text == "well" }
            #expect(try site.status().groups.first?.lastError == nil)
        }

        @Test func `the files of the newest fifty failures are kept`() throws {
            let site = try Self.site("raise RuntimeError('no')\n")
            var ids: Set<String> = []
            for round in 0..<55 {
                try site.directory.write("\(round)", to: "apps/app/tmp/new.txt")
                let file = site.directory.file("apps/app/tmp/restart.txt")
                try Files.rename(site.directory.file("apps/app/tmp/new.txt"), to: file)
                #expect(try site.get("app").status == 500)
                if let id = try site.status().groups.first?.lastError?.id { ids.insert(id) }
            }
            try #require(ids.count > 50, "each touch starts the app anew")
            #expect(TestFile.names(in: try Self.failures(of: site)).count == 50)
        }
    }
}
