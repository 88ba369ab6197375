// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// Who may say where a request came from, seen by real apps behind real proxies and by clients that lie.
    @Suite(.enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"), .timeLimit(.minutes(2)))
    struct ForwardingTests {
        /// The same page in three languages: what the app is told, for all to compare.
        enum Kind: String, CaseIterable {
            case rack, wsgi, node

            var file: String {
                switch self {
                case .rack: "config.ru"
                case .wsgi: "passenger_wsgi.py"
                case .node: "app.js"
                }
            }

            var text: String {
                switch self {
                case .rack:
                    """
                    NAMES = %w[HTTP_X_FORWARDED_FOR HTTP_X_FORWARDED_PROTO HTTP_X_FORWARDED_HOST HTTP_X_REAL_IP HTTP_FORWARDED]
                    run lambda { |env|
                      text = NAMES.map { |name| env[name] || '-' }.join('|')
                      [200, { 'content-type' => 'text/plain' }, ["#{text}\\n"]]
                    }
                    """
                case .wsgi:
                    """
                    NAMES = ('FOR', 'PROTO', 'HOST')
                    def application(environ, start_response):
                        start_response('200 OK', [('Content-Type', 'text/plain')])
                        names = ['HTTP_X_FORWARDED_' + name for name in NAMES] + ['HTTP_X_REAL_IP', 'HTTP_FORWARDED']
                        return [('|'.join(environ.get(name, '-') for name in names) + '\\n').encode()]
                    """
                case .node:
                    """
                    const names = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'forwarded'];
                    require('http').createServer((request, response) => {
                      response.end(names.map((name) => request.headers[name] || '-').join('|') + '\\n');
                    }).listen(3000);
                    """
                }
            }
        }

        private static let lies =
            "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.example\r\nX-Real-IP: 192.0.2.1\r\n"
            + "Forwarded: for=192.0.2.1\r\n"

        private func add(_ name: String, _ files: [String: String], to site: Site, settings: [String] = []) throws {
            try Files.makeDirectories("\(site.root(of: name))/public")
            for (file, text) in files { try site.directory.write(text, to: "apps/\(name)/\(file)") }
            if let owner = Integration.owner(0) { try TestDirectory.give(site.root(of: name), to: owner) }
            let log = ["access_log \(site.directory.file("access.log"));"]
            try site.add(.init(name, from: nil, settings: log + settings))
        }

        private func start(_ site: Site) throws {
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
        }

        private func accessLog(_ site: Site) -> String {
            (try? TestFile.text(site.directory.file("access.log"))) ?? ""
        }

        /// A request of another program than this one, perhaps of another user.
        private func curl(_ arguments: [String], as user: UserAccount? = nil) throws -> String {
            try Shell.run(["curl", "-sS", "--max-time", "30"] + arguments, as: user).output
        }

        @Test func `a trusted peer is believed by apps of all types and the access log, and what it says is extended`()
            throws
        {
            let site = try Site(apps: [])
            for kind in Kind.allCases { try add(kind.rawValue, [kind.file: kind.text], to: site) }
            try start(site)
            for kind in Kind.allCases {
                let text = try site.get(kind.rawValue, headers: Self.lies).text
                #expect(text == "192.0.2.1, 127.0.0.1|https|b.example|192.0.2.1|for=192.0.2.1, for=127.0.0.1\n")
                let plain = try site.get(kind.rawValue).text
                #expect(plain == "127.0.0.1|http|-|-|-\n")
            }
            try eventually("the real client in the access log") { accessLog(site).contains("192.0.2.1 - - [") }
        }

        @Test(.enabled(if: Machine.isRoot, "another user is needed"))
        func `a tenant on loopback cannot make up where it is, and is spoken of once`() throws {
            let site = try Site(apps: [])
            for kind in Kind.allCases { try add(kind.rawValue, [kind.file: kind.text], to: site) }
            try start(site)
            let fields = Self.lies.split(separator: "\r\n").flatMap { ["-H", String($0)] }
            for kind in Kind.allCases {
                let host = ["-H", "Host: \(kind.rawValue).localhost", "http://127.0.0.1:\(site.port)/"]
                let text = try curl(fields + host, as: Integration.owner(1))
                #expect(text == "127.0.0.1|http|-|-|-\n")
            }
            let target = ["-H", "Host: node.localhost", "http://127.0.0.1:\(site.port)/[1-60]"]
            _ = try curl(fields + target, as: Integration.owner(1))
            let log = try TestFile.text(site.frontLog)
            #expect(log.pieces(between: "passenger_trusted_users").count == 2)
            try eventually("all requests in the access log") { accessLog(site).pieces(between: "\n").count > 63 }
            #expect(!accessLog(site).contains("192.0.2.1"))
        }

        @Test(.enabled(if: Machine.isRoot, "another user is needed"))
        func `networks and users of the configuration are believed, in the field that it names`() throws {
            let site = try Site(apps: [], httpSettings: ["passenger_trusted_users root;"])
            let rules = ["set_real_ip_from 127.0.0.2/31;", "real_ip_header CF-Connecting-IP;"]
            try add("rack", [Kind.rack.file: Kind.rack.text], to: site, settings: rules)
            try start(site)
            let request = [
                "-H", "Host: rack.localhost", "-H", "CF-Connecting-IP: 192.0.2.77", "-H", "X-Forwarded-For: 192.0.2.8",
            ]
            let url = "http://127.0.0.1:\(site.port)/"
            let believed = try curl(["--interface", "127.0.0.3"] + request + [url], as: Integration.owner(1))
            #expect(believed == "192.0.2.8, 127.0.0.3|http|-|-|-\n")
            let refused = try curl(request + [url], as: Integration.owner(1))
            #expect(refused == "127.0.0.1|http|-|-|-\n")
            try eventually("both in the access log") { accessLog(site).pieces(between: "\n").count > 2 }
            #expect(accessLog(site).contains("192.0.2.77 - - [") && accessLog(site).contains("127.0.0.1 - - ["))
        }

        private func startTerminator(before site: Site) throws -> (program: RunningProgram, port: UInt16) {
            let port = try TCPListener.bind(host: "127.0.0.1", port: 0).port
            let place = site.directory.path
            let made = try Shell.run([
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-keyout",
                "\(place)/key.pem", "-out", "\(place)/cert.pem",
            ])
            try #require(made.status.isSuccess, "\(made.output)")
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            let temporary = paths.map { "\($0)_temp_path \(place)/nginx-\($0);" }.joined(separator: " ")
            try site.directory.write(
                """
                \(Machine.isRoot ? "user www-data;" : "")
                daemon off; master_process on; worker_processes 1; pid \(place)/nginx.pid; error_log stderr;
                events {}
                http {
                    access_log off; \(temporary)
                    server {
                        listen 127.0.0.1:\(port) ssl;
                        ssl_certificate \(place)/cert.pem; ssl_certificate_key \(place)/key.pem;
                        location / {
                            proxy_pass http://127.0.0.1:\(site.port);
                            proxy_set_header Host $host;
                            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                            proxy_set_header X-Forwarded-Proto $scheme;
                        }
                    }
                }
                """,
                to: "nginx.conf"
            )
            let program = try RunningProgram(
                ["nginx", "-c", "\(place)/nginx.conf", "-e", "stderr"],
                log: site.directory.file("nginx.log")
            )
            try eventually("nginx to accept connections: \(program.output)") {
                (try? HTTPConnection(port: port)) != nil
            }
            return (program, port)
        }

        @Test(.enabled(if: Machine.has("nginx") && Machine.has("openssl"), "needs nginx and openssl"))
        func `an app that redirects to https does not loop behind a TLS terminator`() throws {
            let site = try Site(apps: [])
            let express = """
                const app = require('express')();
                app.set('trust proxy', 'loopback');
                app.use((request, response) => {
                  if (!request.secure) return response.redirect(`https://${request.hostname}${request.originalUrl}`);
                  response.send(`secure ${request.ip}\\n`);
                });
                app.listen(3000);
                """
            try add(
                "express",
                ["app.js": express],
                to: site,
                settings: ["passenger_env_var NODE_PATH /usr/share/nodejs;"]
            )
            let rack =
                "run lambda { |env| [200, {}, [\"#{env['rack.url_scheme']} #{env['HTTPS']} #{env['REMOTE_ADDR']}\\n\"]] }"
            try add("rack", ["config.ru": rack], to: site)
            try start(site)
            let terminator = try startTerminator(before: site)
            // Another address than the proxy's, so that the two can be told apart; it lies, too.
            let arguments = ["-k", "--interface", "127.0.0.9", "-H", "X-Forwarded-For: 6.6.6.6"]
            let url = "https://127.0.0.1:\(terminator.port)/"
            #expect(try curl(arguments + ["-H", "Host: express.localhost", url]).hasPrefix("secure"))
            #expect(try curl(arguments + ["-H", "Host: rack.localhost", url]) == "https on 127.0.0.9\n")
            try eventually("the real client in the access log") {
                accessLog(site).pieces(between: "127.0.0.9 - - [").count == 3
            }
            let direct = try site.get("express")
            #expect(direct.status == 302)
            terminator.program.stop()
        }

        private static let hasUvicorn =
            (try? Shell.run(["/usr/bin/python3", "-c", "import uvicorn"]).status.isSuccess) ?? false

        @Test(.enabled(if: ForwardingTests.hasUvicorn, "needs python3-uvicorn"))
        func `uvicorn sees the scheme and the client that a trusted peer tells`() throws {
            let site = try Site(apps: [])
            let text = """
                async def app(scope, receive, send):
                    if scope['type'] != 'http':
                        raise RuntimeError('not here')
                    text = '%s %s' % (scope['scheme'], scope['client'][0] if scope['client'] else '-')
                    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/plain')]})
                    await send({'type': 'http.response.body', 'body': text.encode()})
                """
            let command = "/usr/bin/python3 -m uvicorn --fd 3 --proxy-headers --forwarded-allow-ips=* app:app"
            try add("uvicorn", ["app.py": text], to: site, settings: ["passenger_app_start_command \"\(command)\";"])
            try start(site)
            let text1 = try site.get("uvicorn", headers: "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n")
                .text
            #expect(text1.hasPrefix("https "), "\(text1)\n\(site.log())")
        }

        @Test func `repeated fields arrive whole, and what the configuration sets replaces them`() throws {
            let site = try Site(apps: [])
            let texts = [
                "rack":
                    "run lambda { |env| [200, {}, [env.values_at('HTTP_COOKIE', 'HTTP_X_A', 'HTTP_X_SET').join('|')]] }",
                "wsgi": """
                def application(environ, start_response):
                    start_response('200 OK', [('Content-Type', 'text/plain')])
                    return ['|'.join(environ[name] for name in ('HTTP_COOKIE', 'HTTP_X_A', 'HTTP_X_SET')).encode()]
                """,
                "node": """
                require('http').createServer((q, r) => {
                  r.end([q.headers.cookie, q.headers['x-a'], q.headers['x-set']].join('|'));
                }).listen(3000);
                """,
            ]
            for kind in Kind.allCases {
                let settings = ["passenger_set_header X-Set \"$scheme $host\";"]
                try add(kind.rawValue, [kind.file: texts[kind.rawValue] ?? ""], to: site, settings: settings)
            }
            try start(site)
            let fields = "Cookie: a=1\r\nX-A: 1\r\nX-Set: evil\r\nCookie: b=2\r\nX_A: evil\r\nx-a: 2\r\n"
            for kind in Kind.allCases {
                let text = try site.get(kind.rawValue, headers: fields).text
                #expect(text == "a=1; b=2|1, 2|http \(kind.rawValue).localhost")
            }
        }

        @Test func `the path below a base URI is what the client sent, however it spelled the base`() throws {
            let site = try Site(apps: [])
            let texts = [
                "rack":
                    "run lambda { |env| [200, {}, [env.values_at('SCRIPT_NAME', 'PATH_INFO').join('|') + env.keys.grep(/FLYING/).join]] }",
                "wsgi": """
                def application(environ, start_response):
                    start_response('200 OK', [('Content-Type', 'text/plain')])
                    names = ''.join(name for name in environ if 'FLYING' in name)
                    return [(environ['SCRIPT_NAME'] + '|' + environ['PATH_INFO'] + names).encode()]
                """,
                "node": "require('http').createServer((q, r) => r.end(q.url)).listen(3000);",
            ]
            for kind in Kind.allCases {
                let name = kind.rawValue
                let root = site.root(of: name)
                let below = [
                    "location \"/my app\" {", "alias \(root)/public;", "passenger_app_root \(root);",
                    "passenger_base_uri \"/my app\";", "passenger_enabled on;", "}",
                ]
                try add(name, [kind.file: texts[name] ?? ""], to: site, settings: below)
            }
            try start(site)
            for (target, raw, decoded) in [
                ("/my%20app/a%2Fb", "/a%2Fb", "/a/b"), ("/m%79%20app/a%2Fb", "/a%2Fb", "/a/b"),
                ("//my%20app/x", "/x", "/x"),
                ("/x/../my%20app/%61%2e", "/%61%2e", "/a."), ("/my%20app", "/", "/"),
                ("/my%20app%2Fy%20z", "/y%20z", "/y z"),
            ] {
                #expect(try site.get("rack", target).text == "/my app|\(raw)", "\(target)")
                #expect(try site.get("wsgi", target).text == "/my app|\(decoded)", "\(target)")
                #expect(try site.get("node", target).text == target)
            }
        }
    }
}
