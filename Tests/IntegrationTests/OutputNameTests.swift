// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Programs that open their output by its name instead of using what they have.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(1)))
    struct OutputNameTests {
        private static let python = """
            def application(environ, start_response):
                for name in ("stdout", "stderr"):
                    with open(f"/dev/{name}", "w") as file:
                        file.write(f"python wrote to {name}\\n")
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b"done"]

            """
        private static let ruby = """
            run lambda { |_env|
              %w[stdout stderr].each { |name| File.write("/dev/#{name}", "ruby wrote to #{name}\\n") }
              [200, { "content-type" => "text/plain" }, ["done"]]
            }

            """
        private static let node = """
            const fs = require('fs');
            require('http').createServer((request, response) => {
              for (const name of ['stdout', 'stderr']) fs.writeFileSync(`/dev/${name}`, `node wrote to ${name}\\n`);
              response.end('done');
            }).listen(3000);

            """
        private static let shell = """
            exec /usr/bin/python3 -c '
            import http.server, os, subprocess
            class Page(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    for name in ("stdout", "stderr"):
                        subprocess.run(["/bin/sh", "-c", f"echo shell wrote to {name} > /dev/{name}"])
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(b"done")
            http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
            '

            """

        @Test func `applications of every language open /dev/stdout and /dev/stderr`() throws {
            let files = [
                ("python", "passenger_wsgi.py", Self.python), ("ruby", "config.ru", Self.ruby),
                ("node", "app.js", Self.node), ("shell", "serve.sh", Self.shell),
            ]
            let site = try Site(
                apps: files.map { name, _, _ in
                    let start = ["passenger_app_start_command \"/bin/sh serve.sh\";"]
                    return .init(name, from: nil, settings: name == "shell" ? start : [])
                }
            )
            for (number, (name, file, text)) in files.enumerated() {
                try site.directory.write(text, to: "apps/\(name)/\(file)")
                try site.directory.write("", to: "apps/\(name)/public/empty.txt")
                if let owner = Integration.owner(number) { try TestDirectory.give(site.root(of: name), to: owner) }
            }
            try site.startDaemon()
            try site.startFront()
            for (name, _, _) in files {
                #expect(try site.page(name).text == "done", "\(name)")
                try eventually("what \(name) wrote") {
                    ["stdout", "stderr"].allSatisfy { site.log().contains("\(name) wrote to \($0)") }
                }
            }
        }
    }
}
