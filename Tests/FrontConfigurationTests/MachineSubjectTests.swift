// SPDX-License-Identifier: MIT

import FrontConfiguration
import Testing

struct MachineSubjectTests {
    private func subjects(_ text: String) throws -> [MachineSubject.Kind: Int] {
        Dictionary(
            try configuration(text).model.subjects.map { ($0.kind, $0.place.line) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    @Test func `what the configuration names of the machine is kept with its line`() throws {
        let text = """
            worker_rlimit_nofile 4096; error_log logs/e.log;
            access_log /var/a.log;
            server {
              listen 8080;
              root /srv/app/public;
              passenger_enabled on;
              passenger_user joe;
              passenger_group staff;
              access_log /dev/stdout;
            }
            """
        #expect(
            try subjects(text) == [
                .openFiles(4096): 1, .log("/etc/logs/e.log"): 1, .log("/var/a.log"): 2,
                .listen(.tcp(host: "0.0.0.0", port: 8080)): 4, .documentRoot("/srv/app/public"): 5,
                .appRoot(
                    "/srv/app",
                    startupFiles: [
                        "config.ru", "passenger_wsgi.py", "passenger_asgi.py", "config/environment.rb", "app.js",
                    ]
                ): 6,
                .user("joe"): 7, .group("staff"): 8, .instances(1): 6,
            ]
        )
    }

    @Test func `an environment file and interpreters with a path are kept, with the app that needs them`() throws {
        let text = """
            server { listen 80; root /a/public; passenger_enabled on; }
            server {
              listen 81;
              root /b/public;
              passenger_enabled on;
              passenger_app_type wsgi;
              passenger_env_file .env;
              passenger_python /venv/bin/python;
              passenger_ruby /opt/ruby;
            }
            """
        let found = try configuration(text).model.subjects.filter { $0.place.line >= 7 }
        #expect(
            found == [
                MachineSubject(
                    .environmentFile("/b/.env"),
                    at: SourceLocation(file: "/etc/front.conf", line: 7),
                    apps: [1]
                ),
                MachineSubject(
                    .interpreter(
                        MachineSubject.Interpreter(
                            path: "/venv/bin/python",
                            setting: "python",
                            appRoot: "/b",
                            startupFiles: ["passenger_wsgi.py"],
                            ownStartupFiles: ["passenger_wsgi.py"]
                        )
                    ),
                    at: SourceLocation(file: "/etc/front.conf", line: 8),
                    apps: [1]
                ),
            ]
        )
    }

    @Test func `beside a base URI by a link no app is asked for in the root`() throws {
        let text = "server { listen 81; root /srv/site; passenger_base_uri /blog; passenger_enabled on; }"
        let read = try configuration(text, links: ["/srv/site/blog": "/srv/blog/public"])
        let roots = read.model.subjects.compactMap { subject -> String? in
            if case .appRoot(let root, _) = subject.kind { root } else { nil }
        }
        #expect(roots == ["/srv/blog"])
    }

    @Test(arguments: [
        ("passenger_app_type node;", ["app.js"]), ("passenger_app_type node; passenger_startup_file x.js;", ["x.js"]),
        ("passenger_app_start_command x;", []), ("passenger_app_type wsgi;", ["passenger_wsgi.py"]),
        ("passenger_app_type asgi; passenger_startup_file shop.web:app;", ["shop/web/__init__.py", "shop/web.py"]),
    ])
    func `the startup files are those of the type`(settings: String, files: [String]) throws {
        let found = try subjects("server { listen 81; root /a/public; passenger_enabled on; \(settings) }")
        #expect(found[.appRoot("/a", startupFiles: files)] == 1, "\(found)")
    }

    @Test func `a document root that was only concluded is not asked for, nor a group by the startup file`() throws {
        let text =
            "passenger_app_root /a; server { passenger_enabled on; passenger_user x; passenger_group !STARTUP_FILE!; }"
        let found = try subjects(text).keys
        #expect(!found.contains { if case .documentRoot = $0 { true } else { false } })
        #expect(!found.contains { if case .group = $0 { true } else { false } })
    }
}
