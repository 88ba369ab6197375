// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Applications that cannot be loaded, each visited once: a short page with an error ID, and in the daemon's log what
    /// that ID means and what to type.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(2)))
    struct LoaderErrorTests {
        struct Broken: Sendable {
            let name: String
            let files: [String: String]
            var settings: [String] = []
            let kind: String
            let reason: String
            let remedy: String
        }

        private static let module = #"{"type":"module"}"#

        /// As Litestar's: the traceback of a group of exceptions.
        private static let failingLifespan = """
            async def application(scope, receive, send):
                message = '  | ExceptionGroup: one\\n  +-+--- 1 ---\\n    | ConnectionError: no database\\n    +-----\\n'
                await send({'type': 'lifespan.startup.failed', 'message': message})

            """

        static let applications: [Broken] = [
            Broken(
                name: "gem",
                files: ["config.ru": "run lambda { |env| [200, {}, []] }\n", "Gemfile": "gem 'no_such_gem', '9.1'\n"],
                kind: "missing-gem",
                reason: "the gem no_such_gem (= 9.1), which ROOT/Gemfile names, is not installed for Ruby ",
                remedy: "-S bundle install"
            ),
            Broken(
                name: "gemfile",
                files: ["config.ru": "run lambda { |env| [200, {}, []] }\n", "Gemfile": "gem 'rack\n"],
                kind: "syntax-error",
                reason: "syntax error in the Gemfile: ",
                remedy: "bundle check"
            ),
            Broken(
                name: "load-paths",
                files: [
                    "config.ru": "run lambda { |env| [200, {}, []] }\n",
                    "config/setup_load_paths.rb": "gem 'no_such_gem', '9.1'\n",
                ],
                kind: "missing-gem",
                reason: "the gem no_such_gem, which config/setup_load_paths.rb sets up, is not installed for Ruby ",
                remedy: "bundle install"
            ),
            Broken(
                name: "module",
                files: ["passenger_wsgi.py": "import no_such_module\n"],
                kind: "missing-module",
                reason: "the Python module no_such_module, which passenger_wsgi.py:1 imports, is not installed for "
                    + "/usr/bin/python3",
                remedy: "python3 -m venv venv && venv/bin/pip install no_such_module"
            ),
            Broken(
                name: "callable",
                files: ["passenger_wsgi.py": "app = 1\n"],
                kind: "configuration",
                reason: "passenger_wsgi.py defines nothing named \"application\"",
                remedy: "import application"
            ),
            Broken(
                name: "cluster",
                files: ["app.js": "require('cluster').fork();\n"],
                kind: "configuration",
                reason:
                    "cluster.fork() was called, but how many processes an application has is for Flying Passenger to say",
                remedy: "passenger_min_instances 4;"
            ),
            Broken(
                name: "cluster-module",
                files: ["app.js": "import { fork } from 'node:cluster';\nfork();\n", "package.json": Self.module],
                kind: "configuration",
                reason: "how many processes an application has is for Flying Passenger to say (app.js:2)",
                remedy: "passenger_min_instances 4;"
            ),
            Broken(
                name: "await",
                files: ["app.js": "await new Promise(() => {});\n", "package.json": Self.module],
                kind: "early-exit",
                reason: "app.js waits for ever: nothing that is open can settle what it awaits at its top level",
                remedy: "on a promise that nobody resolves"
            ),
            Broken(
                name: "rejected",
                files: [
                    "app.js":
                        "const connect = async () => { throw new TypeError('no database'); };\nawait connect();\n",
                    "package.json": Self.module,
                ],
                kind: "exception",
                reason: "the application raised TypeError: no database (app.js:1)",
                remedy: "Look at app.js:1"
            ),
            Broken(
                name: "export",
                files: ["app.js": "import { nothing } from 'http';\n", "package.json": Self.module],
                kind: "syntax-error",
                reason: "The requested module 'http' does not provide an export named 'nothing' (app.js:1)",
                remedy: "Look at the import in line 1 of app.js"
            ),
            Broken(
                name: "asgi-object",
                files: [
                    "passenger_wsgi.py":
                        "class App:\n    async def __call__(self, scope, receive, send): ...\napplication = App()\n"
                ],
                kind: "configuration",
                reason: "the \"application\" that passenger_wsgi.py defines is an ASGI application, not a WSGI one",
                remedy: "passenger_app_type asgi; passenger_startup_file passenger_wsgi:application;"
            ),
            Broken(
                name: "lifespan",
                files: ["passenger_asgi.py": Self.failingLifespan],
                kind: "exception",
                reason: "the application could not start (lifespan.startup.failed: ConnectionError: no database)",
                remedy: "Look at what its startup or lifespan handlers do"
            ),
            Broken(
                name: "asgi-callable",
                files: ["passenger_asgi.py": "app = 1\n"],
                kind: "configuration",
                reason: "passenger_asgi.py defines nothing named \"application\"",
                remedy: "passenger_app_type asgi; passenger_startup_file MODULE:NAME;"
            ),
            Broken(
                name: "asgi-function",
                files: ["passenger_wsgi.py": "async def application(scope, receive, send): ...\n"],
                kind: "configuration",
                reason: "the \"application\" that passenger_wsgi.py defines is an ASGI application, not a WSGI one",
                remedy: "passenger_app_type asgi; passenger_startup_file passenger_wsgi:application;"
            ),
            Broken(
                name: "syntax",
                files: ["app.js": "const port = ;\n"],
                kind: "syntax-error",
                reason: "syntax error: Unexpected token ';' (app.js:1)",
                remedy: "Correct line 1 of app.js"
            ),
            Broken(
                name: "silent",
                files: ["app.js": "require('http').createServer();\n"],
                kind: "configuration",
                reason: "app.js has been loaded to its end and nothing listens",
                remedy: "app.listen(3000)"
            ),
            Broken(
                name: "rails",
                files: ["config/environment.rb": "module Rails\n  def self.version\n    '7.1.3'\n  end\nend\n"],
                kind: "framework-unsupported",
                reason: "config/environment.rb loaded Rails 7.1.3, which is started by config.ru",
                remedy: "run Rails.application"
            ),
            Broken(
                name: "old",
                files: [
                    "passenger_wsgi.py": "application = None\n",
                    "old-python": "#!/bin/sh\nPYTHONPATH=${0%/*} exec /usr/bin/python3 \"$@\"\n",
                    "sitecustomize.py": "import sys\nsys.version_info = (2, 7, 18, 'final', 0)\n",
                ],
                settings: ["passenger_python ROOT/old-python;"],
                kind: "interpreter-unsupported",
                reason: "the interpreter is Python 2.7 (/usr/bin/python3), but Python 3.8 or newer is needed",
                remedy: "Set passenger_python to the path of a Python that is 3.8 or newer"
            ),
        ]

        @Test func `each failure has an error ID on its page, and the log explains it`() throws {
            let site = try Site(apps: [])
            for app in Self.applications {
                let root = site.root(of: app.name)
                for (name, text) in app.files {
                    let mode: UInt32 = text.hasPrefix("#!") ? 0o755 : 0o644
                    try site.directory.write(text, to: "apps/\(app.name)/\(name)", mode: mode)
                }
                try Files.makeDirectories("\(root)/public")
                if let owner = Integration.owner(0) { try TestDirectory.give(root, to: owner) }
                let settings = app.settings.map { $0.pieces(between: "ROOT").joined(separator: root) }
                try site.add(.init(app.name, from: nil, owner: Integration.owner(0), settings: settings))
            }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            for app in Self.applications {
                let response = try site.get(app.name)
                #expect(response.status == 500, "\(app.name)")
                let id = try #require(response.text.firstMatch(of: #/\b[0-9a-f]{8}\b/#)?.output, "\(app.name)")
                #expect(!response.text.contains(app.name + "/"), "the short page hides what failed: \(response.text)")
                let root = site.root(of: app.name)
                let reason = app.reason.pieces(between: "ROOT").joined(separator: root)
                let escaped = reason.pieces(between: "\"").joined(separator: "\\\"")
                let line = site.log().split(separator: "\n").first { $0.contains(id) }
                let text = try #require(line, "\(app.name): \(site.log().suffix(3000))")
                #expect(text.contains(reason) || text.contains(escaped), "\(app.name): \(text)")
                #expect(text.contains(app.remedy), "\(app.name): \(text)")
                #expect(text.contains("kind=\(app.kind) "), "\(app.name): \(text)")
                if let owner = Integration.owner(0) { #expect(text.contains(owner.name), "\(app.name): \(text)") }
            }
        }

        @Test func `what an application printed before it failed is in the log first`() throws {
            let site = try Site(apps: [])
            let files = [
                "config.ru": "$stdout.sync = false\nputs 'before the failure'\nraise 'failed on purpose'\n",
                "passenger_wsgi.py": "print('before the failure')\nraise ValueError('failed on purpose')\n",
                "app.js": "console.log('before the failure');\nthrow new Error('failed on purpose');\n",
            ]
            for (number, (file, text)) in files.sorted(by: { $0.key < $1.key }).enumerated() {
                try site.directory.write(text, to: "apps/app\(number)/\(file)")
                try Files.makeDirectories("\(site.root(of: "app\(number)"))/public")
                try site.add(.init("app\(number)", from: nil))
            }
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            for number in 0..<3 {
                let before = site.log().utf8.count
                #expect(try site.get("app\(number)").status == 500)
                let log = String(decoding: site.log().utf8.dropFirst(before), as: UTF8.self)
                let printed = try #require(log.firstRange(of: "output: before the failure"), "\(log)")
                let failed = try #require(log.firstRange(of: "failed on purpose"), "\(log)")
                #expect(printed.lowerBound < failed.lowerBound)
            }
        }
    }
}
