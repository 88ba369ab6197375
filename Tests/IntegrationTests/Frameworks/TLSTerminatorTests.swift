// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// The configurations of docs/behind-a-tls-terminator.md, run as they stand there.
    @Suite(
        .enabled(
            if: FrameworkSite.hasNode("express", "ws") && Machine.has("openssl"),
            "needs node-express, node-ws and openssl"
        ),
        .timeLimit(.minutes(2))
    )
    struct TLSTerminatorTests {
        enum Terminator: String, CaseIterable {
            case nginx, caddy, haproxy

            static let installed = allCases.filter { Machine.has($0.rawValue) }
        }

        private static let document = "docs/behind-a-tls-terminator.md"

        /// The sample of the document for this program, with addresses, names and paths of the site.
        private func configuration(of terminator: Terminator, _ site: Site, port: UInt16, plain: UInt16) throws
            -> String
        {
            let parts = try Repository.text(Self.document).pieces(between: "\n```\(terminator.rawValue)\n")
            try #require(parts.count == 2, "there is one sample for \(terminator)")
            var text = String(parts[1].pieces(between: "```\n")[0])
            let place = site.directory.path
            var replacements = [("127.0.0.1:8080", "127.0.0.1:\(site.port)")]
            switch terminator {
            case .nginx:
                replacements += [
                    ("listen 80;", "listen 127.0.0.1:\(plain);"), ("listen 443 ", "listen 127.0.0.1:\(port) "),
                ]
                replacements += [("/etc/ssl/www.example.com", "\(place)/tls")]
            case .caddy:
                replacements += [("www.example.com {", "https://board.localhost:\(port) {\n    bind 127.0.0.1")]
                replacements += [("/etc/ssl/www.example.com", "\(place)/tls")]
            case .haproxy:
                replacements += [("bind :80", "bind 127.0.0.1:\(plain)"), ("bind :443 ", "bind 127.0.0.1:\(port) ")]
                replacements += [("/etc/haproxy/www.example.com.pem", "\(place)/tls.both")]
            }
            for (old, new) in replacements {
                try #require(text.contains(old), "\(old) is in the sample for \(terminator)")
                text = text.replacing(old, with: new)
            }
            return text.replacing("www.example.com", with: "board.localhost")
        }

        /// What stands around the sample: nothing that concerns requests.
        private func surroundings(of terminator: Terminator, _ text: String, in place: String, plain: UInt16) -> String
        {
            switch terminator {
            case .nginx:
                let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                let temporary = paths.map { "\($0)_temp_path \(place)/nginx-\($0);" }.joined(separator: " ")
                return
                    "\(Machine.isRoot ? "user www-data;" : "") daemon off; pid \(place)/nginx.pid; error_log stderr;\n"
                    + "events {}\nhttp {\naccess_log off; \(temporary)\n\(text)}\n"
            case .caddy:
                return
                    "{\n    admin off\n    grace_period 1s\n    storage file_system \(place)/caddy\n    http_port \(plain)\n"
                    + "    default_bind 127.0.0.1\n}\n\(text)"
            case .haproxy:
                return (Machine.isRoot ? "global\n    user haproxy\n" : "") + text
            }
        }

        private func start(_ terminator: Terminator, before site: Site, port: UInt16, plain: UInt16) throws
            -> RunningProgram
        {
            let place = site.directory.path
            let made = try Shell.script(
                """
                cd \(place) && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=board.localhost \\
                    -addext subjectAltName=DNS:board.localhost -keyout tls.key -out tls.pem && cat tls.pem tls.key > tls.both
                chmod 0644 tls.*
                """
            )
            try #require(made.status.isSuccess, "\(made.output)")
            let sample = try configuration(of: terminator, site, port: port, plain: plain)
            let file = try site.directory.write(
                surroundings(of: terminator, sample, in: place, plain: plain),
                to: "\(terminator).conf"
            )
            let arguments =
                switch terminator {
                case .nginx: ["nginx", "-c", file, "-e", "stderr"]
                case .caddy: ["caddy", "run", "--adapter", "caddyfile", "--config", file]
                case .haproxy: ["haproxy", "-db", "-f", file]
                }
            // Caddy does not give up root by itself; Debian's unit starts it as this user.
            let user = terminator == .caddy && Machine.isRoot ? try Accounts.user(named: "caddy") : nil
            if let user {
                try Files.makeDirectories("\(place)/caddy")
                try TestDirectory.give("\(place)/caddy", to: user)
            }
            let program = try RunningProgram(
                arguments,
                log: site.directory.file("\(terminator).log"),
                environment: ["HOME": "\(place)/caddy"],
                user: user
            )
            try eventually("\(terminator) to accept connections") {
                guard program.isRunning else {
                    throw RunningProgram.Failure.ended(
                        "\(terminator)",
                        try program.waitForExit(),
                        output: program.output
                    )
                }
                return (try? HTTPConnection(port: port)) != nil && (try? HTTPConnection(port: plain)) != nil
            }
            return program
        }

        /// Connections that clients have or had to a port, of this minute.
        private func connections(to port: UInt16) throws -> Int {
            let hexadecimal = String(port, radix: 16, uppercase: true)
            let suffix = ":" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
            let rows = try TestFile.text("/proc/net/tcp").split(separator: "\n").dropFirst()
            let pairs = rows.map { $0.split(separator: " ")[1...2].map(String.init) }
            return Set(
                pairs.compactMap { pair -> String? in
                    if pair[1].hasSuffix(suffix) { return pair[0] }
                    return pair[0].hasSuffix(suffix) && !pair[1].hasSuffix(":0000") ? pair[1] : nil
                }
            ).count
        }

        @Test func `the sample in the document is right, whatever a client says`() async throws {
            try await together(Terminator.installed) { try TLSTerminatorTests().visit($0) }
        }

        private func visit(_ terminator: Terminator) throws {
            let site = try Site(apps: [])
            try FrameworkSite.make("express", at: site.root(of: "board"), owner: Integration.owner(0))
            let variables = ["NODE_PATH /usr/share/nodejs", "BOARD_ONLY_HTTPS 1"].map { "passenger_env_var \($0);" }
            let log = site.directory.file("access.log")
            try site.add(.init("board", from: nil, settings: variables + ["access_log \(log);"]))
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            let port = try TCPListener.bind(host: "127.0.0.1", port: 0).port
            let plain = try TCPListener.bind(host: "127.0.0.1", port: 0).port
            let program = try start(terminator, before: site, port: port, plain: plain)
            let before = try connections(to: site.port)

            let script = "\(Repository.root)/Tests/IntegrationTests/Scripts/tls-visitor.py"
            let visit = try Shell.run(["/usr/bin/python3", script, "\(port)", "\(plain)", "board.localhost"])
            try #require(visit.status.isSuccess, "\(visit.output)\n\(program.output)\n\(site.log().suffix(2000))")
            let seen = Set(visit.output.split(separator: "\n").map(String.init))
            for line in [
                "status: 200", "secure: True", "client: 127.0.0.9", "link: https://board.localhost:\(port)/",
                "upload: True", "chunked: True", "range: True", "redirect: 303 /",
                "events: b': welcome\\ndata: news\\n'",
                "upgrade: 101", "welcome: welcome at /chat", "echo: said: hello",
            ] {
                #expect(seen.contains(line), "\(line), but there is:\n\(visit.output)")
            }
            #expect(seen.contains { $0.hasPrefix("plain: 30") && $0.contains(" https://board.localhost") }, "\(seen)")
            let told = seen.filter { $0.hasPrefix("forwarded") }.map { $0.split(separator: ": ", maxSplits: 1)[1] }
            #expect(Set(told).count == 1 && !told.isEmpty, "what a client says makes no difference: \(seen)")

            try eventually("all requests in the access log") {
                try TestFile.text(log).pieces(between: "POST /notices").count == 32
            }
            let lines = try TestFile.text(log).split(separator: "\n").filter { $0.contains("/notices") }
            #expect(lines.allSatisfy { $0.hasPrefix("127.0.0.9 - - [") }, "\(lines)")
            #expect(try connections(to: site.port) - before < 15, "connections to the front are kept")
            #expect(try site.get("board", "/facts").status == 302, "without a terminator it redirects")
            program.stop()
        }
    }
}
