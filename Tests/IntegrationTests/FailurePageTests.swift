// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What a client sees of an application that cannot be started.
    @Suite(.enabled(if: Machine.has("python3"), "needs python3"), .timeLimit(.minutes(2)))
    struct FailurePageTests {
        private static let html = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
        private static let broken = "raise RuntimeError('broken on purpose')\n"

        /// A site with applications of this code, each with settings of its own.
        private static func site(
            _ apps: [(name: String, settings: [String])],
            code: String = broken,
            http: [String] = []
        ) throws -> Site {
            let apps = apps.map { Site.App($0.name, from: nil, owner: owner(0), settings: $0.settings) }
            let site = try Site(apps: apps, httpSettings: http)
            for app in apps {
                try site.directory.write("", to: "apps/\(app.name)/public/.keep")
                try site.directory.write(code, to: "apps/\(app.name)/passenger_wsgi.py")
                if let owner = app.owner { try TestDirectory.give(site.root(of: app.name), to: owner) }
            }
            try site.startDaemon()
            try site.startFront()
            return site
        }

        private static func errorID(_ response: HTTPResponse) throws -> String {
            String(try #require(response.text.firstMatch(of: #/Error (?:ID:? )?(?:<code>)?([0-9a-f]{8})/#)).output.1)
        }

        /// Whether something that reads JSON takes it.
        private static func isJSON(_ response: HTTPResponse, _ site: Site) throws -> Bool {
            let path = site.directory.file("answer.json")
            try Files.write(response.body, to: path)
            return try Shell.run([
                "python3", "-c", "import json,sys; json.load(open(sys.argv[1], encoding='utf-8'))", path,
            ])
            .status.isSuccess
        }

        @Test func `a directory without startup file is told what to write for what it holds`() throws {
            let cases = [
                (file: "Procfile", advice: "passenger_app_start_command \"COMMAND\";"),
                (file: "shop/config.ru", advice: "passenger_app_root ROOT/shop;"),
                (file: "main.py", advice: "passenger_app_type asgi; passenger_startup_file main:app;"),
                (file: "server.js", advice: "passenger_app_type node; passenger_startup_file server.js;"),
            ]
            // Each by an application of its own: a failed start is remembered for a while.
            let site = try Self.site(cases.indices.map { ("app\($0)", ["passenger_app_env development;"]) })
            for (number, one) in cases.enumerated() {
                let root = site.root(of: "app\(number)")
                try Files.remove("\(root)/passenger_wsgi.py")
                try site.directory.write("", to: "apps/app\(number)/\(one.file)")
                let page = try site.get("app\(number)", headers: "Accept: text/plain\r\n")
                let advice = one.advice.replacing("ROOT", with: root)
                #expect(page.status == 404 && page.text.contains(advice), "\(one.file): \(page.text)")
            }
            try eventually("the advice in the log") {
                site.log().split(separator: "\n").filter {
                    $0.contains("no application found") && $0.contains("remedy=\"")
                }.count == cases.count
            }
        }

        @Test func `the page is friendly in development, short elsewhere, and as configured before all`() throws {
            let site = try Self.site([
                ("dev", ["passenger_app_env development;"]), ("prod", []), ("staging", ["rails_env staging;"]),
                ("off", ["passenger_app_env development;", "passenger_friendly_error_pages off;"]),
                ("on", ["passenger_friendly_error_pages on;", "passenger_spawn_exception_status_code 521;"]),
            ])
            for (app, isFriendly) in [("dev", true), ("prod", false), ("staging", false), ("off", false), ("on", true)]
            {
                let response = try site.get(app, headers: Self.html)
                #expect(response.status == (app == "on" ? 521 : 500), "\(app)")
                #expect(response.header("content-type") == "text/html; charset=utf-8")
                #expect(response.header("cache-control") == "no-cache, no-store, must-revalidate")
                #expect(response.text.contains("broken on purpose") == isFriendly, "\(app): \(response.text)")
                let id = try Self.errorID(response)
                #expect(site.log().contains(id), "the log has the ID of the page")
                #expect(response.text.contains("failures/\(id).txt") == !isFriendly, "\(app)")
                #expect(response.text.contains(site.root(of: app)) == isFriendly)
                if isFriendly, let owner = Integration.owner(0) {
                    #expect(response.text.contains("<strong>\(owner.name)</strong> (uid \(owner.uid))"))
                }
            }
        }

        @Test func `each client gets the form that it wants, on one connection, and only once the whole page`() throws {
            let settings = ["passenger_app_env development;"]
            let site = try Self.site([("dev", settings)], http: [])
            let log = site.directory.file("access.log")
            site.httpSettings = ["access_log \(log);"]
            try site.writeConfiguration()
            let workers = try site.workerPIDs()
            try site.front?.signal(.hangUp)
            // The log is there before the worker that writes it.
            try eventually("a new worker alone") {
                let now = try site.workerPIDs()
                return now.count == 1 && now != workers
            }
            let client = try HTTPConnection(port: site.port)
            func get(_ headers: String) throws -> HTTPResponse {
                try client.get("/", host: "dev.localhost", headers: headers)
            }
            let page = try get(Self.html)
            #expect(page.text.hasPrefix("<!DOCTYPE html>") && page.header("content-security-policy") != nil)
            #expect(page.header("x-content-type-options") == "nosniff")
            let id = try Self.errorID(page)

            let json = try get("Accept: application/json\r\n")
            #expect(json.header("content-type") == "application/json" && json.status == 500)
            #expect(try Self.isJSON(json, site))
            let sent = try get("Content-Type: application/json\r\nAccept: */*\r\n")
            #expect(sent.header("content-type") == "application/json")
            let text = try get("Accept: */*\r\n")
            #expect(text.header("content-type") == "text/plain; charset=utf-8")
            #expect(text.text.contains("What to do:") && text.text.contains("broken on purpose"))
            for answer in [json, sent, text] {
                #expect(answer.text.contains(id), "the last failure stands until it is tried again")
            }

            try client.send("HEAD / HTTP/1.1\r\nHost: dev.localhost\r\n\(Self.html)\r\n")
            let head = try client.readResponse(toHead: true)
            #expect(head.status == 500 && head.body.isEmpty)
            #expect(head.header("content-length") == "\(page.body.count)")
            #expect(Int(head.header("retry-after") ?? "") ?? 0 > 0, "the next start is held back")
            try eventually("the access log has them") {
                let lines = try TestFile.text(log)
                return lines.contains("\"GET / HTTP/1.1\" 500 \(page.body.count) ")
                    && lines.contains("\"HEAD / HTTP/1.1\" 500 0 ")
            }
            guard Machine.has("curl") else { return }
            let curl = try Shell.run(["curl", "-s", "-H", "Host: dev.localhost", "http://127.0.0.1:\(site.port)/"])
            #expect(curl.output.contains("What to do:") && !curl.output.contains("<html"), "\(curl.output)")
        }

        @Test func `switching friendly pages on takes effect with a reload, without another start`() throws {
            let site = try Self.site([("app", [])])
            let id = try Self.errorID(try site.get("app", headers: Self.html))
            site.remove("app")
            try site.add(.init("app", from: nil, settings: ["passenger_friendly_error_pages on;"]))
            try site.writeConfiguration()
            try site.front?.signal(.hangUp)
            var last = ""
            try eventually("the friendly page; the last one:\n\(last)") {
                last = try site.get("app", headers: Self.html).text
                return last.contains("broken on purpose")
            }
            #expect(site.log().contains(id))
            site.remove("app")
            try site.add(.init("app", from: nil))
            try site.writeConfiguration()
            try site.front?.signal(.hangUp)
            try eventually("the short page") { try !site.get("app", headers: Self.html).text.contains("on purpose") }
        }

        @Test func `whatever an application writes is shown and never obeyed, at a reasonable length`() throws {
            let code = """
                import os
                os.write(1, b'<script>alert(1)</script><img src=http://x.example/>\\n')
                os.write(1, b'\\x1b]0;title\\x07\\x1b[31mred\\x1b[0m \\x1b[2J \\x00 \\xff\\xfe invalid \\xc3( \\xe2\\x80\\xae\\n')
                os.write(2, b'</pre></section><!-- ' + b'x' * (1 << 20))
                raise RuntimeError('</title><script>alert("x")</script>\\x1b[1m' + '\\u202e')

                """
            let site = try Self.site([("app", ["passenger_friendly_error_pages on;"])], code: code)
            let page = try site.get("app", headers: Self.html)
            #expect(page.status == 500 && page.text.contains("RuntimeError"), "\(page.text.suffix(3000))")
            #expect(page.text.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"))
            for forbidden in ["<script", "<img", "<!--", "\u{1B}", "\u{07}", "\0", "\u{202E}"] {
                #expect(!page.text.contains(forbidden), "\(forbidden.debugDescription)")
            }
            #expect(page.body.count < 1 << 20, "\(page.body.count) bytes")
            let attributes = page.text.matches(of: #/(?:src|href|action)\s*=\s*["']?([^"'\s>]*)/#).map(\.output.1)
            #expect(
                attributes == ["data:,"] || attributes.allSatisfy { !$0.contains("//") || $0.hasPrefix("http://x.ex") }
            )
            #expect(page.text.matches(of: #/<[a-z]+[^>]* (?:src|href)="([^"]*)"/#).map(\.output.1) == ["data:,"])

            let text = try site.get("app", headers: "Accept: text/plain\r\n")
            let scalars = text.text.unicodeScalars
            #expect(scalars.allSatisfy { ($0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value)) || $0 == "\n" })
            #expect(!text.text.contains("\u{202E}") && text.text.contains("RuntimeError"))
            let json = try site.get("app", headers: "Accept: application/json\r\n")
            #expect(try Self.isJSON(json, site))
            #expect(json.body.allSatisfy { $0 >= 0x20 || $0 == 0x0A }, "control characters are escaped")
        }

        @Test func `secrets of the environment are masked in every form`() throws {
            let secrets = ["SECRET_KEY_BASE", "DB_PASSWORD", "API_TOKEN", "MY_KEY"]
            let settings =
                ["passenger_friendly_error_pages on;", "passenger_env_var GREETING hello-visible;"]
                + secrets.map { "passenger_env_var \($0) hush-\($0.lowercased())-hush;" }
            let site = try Self.site([("app", settings)])
            for accept in ["text/html", "application/json", "text/plain"] {
                let page = try site.get("app", headers: "Accept: \(accept)\r\n").text
                #expect(page.contains("hello-visible"), "\(accept): \(page.suffix(2000))")
                for name in secrets { #expect(page.contains(name), "\(accept)") }
                #expect(!page.contains("hush-"), "\(accept)")
            }
        }

        @Test func `a custom page stands for the short one; what is wrong with it is said once`() throws {
            let place = try TestDirectory()
            let setting = "passenger_custom_error_page \(place.file("sorry.html"));"
            let site = try Self.site([
                ("app", [setting]), ("dev", [setting, "passenger_app_env development;"]),
            ])
            func log() throws -> String { try TestFile.text(site.frontLog) }
            for _ in 0..<3 {
                let page = try site.get("app", headers: Self.html)
                #expect(page.status == 500 && page.text.contains("could not be started"))
            }
            #expect(try log().pieces(between: "custom_error_page cannot be used").count == 2)
            #expect(
                try log().contains(place.file("sorry.html")) && log().contains("No such file or directory (ENOENT)")
            )

            try place.write("<h1>Back soon</h1>\n", to: "sorry.html", mode: Machine.isRoot ? 0o600 : 0)
            if Machine.isRoot {
                #expect(try site.get("app", headers: Self.html).text.contains("could not be started"))
                #expect(try log().contains("Permission denied (EACCES)"), "the worker is not root")
            }
            try Files.setMode(place.file("sorry.html"), 0o644)
            let page = try site.get("app", headers: Self.html)
            #expect(page.text == "<h1>Back soon</h1>\n" && page.status == 500)
            #expect(page.header("content-type") == "text/html; charset=utf-8")
            #expect(page.header("cache-control") == "no-cache, no-store, must-revalidate")
            #expect(try site.get("app", headers: "Accept: application/json\r\n").text.contains("\"error_id\""))
            #expect(try site.get("app", headers: "Accept: text/plain\r\n").text.contains("Error ID: "))
            #expect(try site.get("dev", headers: Self.html).text.contains("broken on purpose"))
        }
    }
}
