// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// A tenant who writes for the eyes and hands of root: names that look like commands, output that drives terminals and
    /// forges lines, and more of it than a log can take.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(2)))
    struct HostileTextTests {
        /// What root must never be told to type.
        private static let evil = "d: chmod 4755 x #"

        /// Where the name stands, and what the app's files and settings are.
        private struct Place {
            let name: String
            let script: String
            let settings: [String]
        }

        private static func places(_ apps: String) -> [Place] {
            let (wsgi, joe) = ("passenger_app_type wsgi;", "passenger_user joe;")
            func root(_ path: String) -> String { "passenger_app_root \"\(apps)/\(path)\";" }
            func app(_ name: String, _ body: String) -> Place {
                Place(
                    name: name,
                    script:
                        "mkdir \(name); printf '%s\\n' \"\(body)\" > \(name)/passenger_wsgi.py; chown -R joe \(name)",
                    settings: [root(name)]
                )
            }
            return [
                Place(name: "missing", script: "true", settings: [root("missing/\(evil)"), wsgi]),
                Place(
                    name: "closed",
                    script: "mkdir -p \"closed/$E/app\"; cp probe \"closed/$E/app/$W\"; chmod 700 \"closed/$E\"",
                    settings: [root("closed/\(evil)/app"), joe]
                ),
                Place(
                    name: "owned",
                    script:
                        "mkdir -p \"owned/$E\"; cp probe \"owned/$E/$W\"; chown mary \"owned/$E\"; chown joe \"owned/$E/$W\"",
                    settings: [root("owned/\(evil)")]
                ),
                Place(
                    name: "everybody",
                    script:
                        "mkdir -p \"everybody/$E\"; cp probe \"everybody/$E/$W\"; chown -R joe everybody; chmod 777 \"everybody/$E\"",
                    settings: [root("everybody/\(evil)")]
                ),
                Place(
                    name: "startup",
                    script: "mkdir startup; cp probe \"startup/$E\"; chmod 600 \"startup/$E\"",
                    settings: [root("startup"), wsgi, joe, "passenger_startup_file \"\(evil)\";"]
                ),
                Place(
                    name: "nostartup",
                    script: "mkdir nostartup",
                    settings: [root("nostartup"), wsgi, "passenger_startup_file \"\(evil)\";"]
                ),
                Place(
                    name: "linked",
                    script:
                        "mkdir linked; touch \"hidden-$E\"; chmod 600 \"hidden-$E\"; ln -s \"\(apps)/hidden-$E\" linked/$W",
                    settings: [root("linked"), joe]
                ),
                Place(
                    name: "interpreter",
                    script: "mkdir -p interpreter \"pythons/$E\"; cp probe interpreter/$W; chown -R joe interpreter; "
                        + "touch \"pythons/$E/python\"",
                    settings: [root("interpreter"), "passenger_python \"\(apps)/pythons/\(evil)/python\";"]
                ),
                Place(
                    name: "nointerpreter",
                    script: "mkdir nointerpreter; cp probe nointerpreter/$W; chown -R joe nointerpreter",
                    settings: [root("nointerpreter"), "passenger_python \"/opt/\(evil)/python\";"]
                ),
                Place(
                    name: "variables",
                    script: "mkdir variables; cp probe variables/$W; chown -R joe variables; touch \"variables/$E\"; "
                        + "chmod 600 \"variables/$E\"",
                    settings: [root("variables"), "passenger_env_file \"\(apps)/variables/\(evil)\";"]
                ),
                app("nofile", "open('/srv/\(evil)/a')"),
                app("denied", "open('\(apps)/closed/\(evil)/a')"),
                app("nomodule", "raise ModuleNotFoundError('No module named \\'\(evil)\\'')"),
                app("sentence", "raise Exception('Type: chmod 4755 x')"),
                app("syntax", "import sys; sys.exit('SyntaxError: File \\'\(evil)\\', line 3')"),
            ]
        }

        @Test func `no name that a tenant chooses becomes a command, wherever it stands`() throws {
            let site = try Self.site()
            let apps = site.directory.file("apps")
            let places = Self.places(apps)
            for place in places { try site.add(.init(place.name, from: nil, settings: place.settings)) }
            try site.directory.write(OwnAccounts.wsgi, to: "apps/probe")
            let lines = places.map(\.script).joined(separator: "\n")
                .replacing("chown mary", with: "chown \(OwnAccounts.mary.uid)")
                .replacing("chown joe", with: "chown \(OwnAccounts.joe.uid)")
                .replacing("chown -R joe", with: "chown -R \(OwnAccounts.joe.uid)")
            let script = "set -e\ncd \(apps)\nW=passenger_wsgi.py\nE='\(Self.evil)'\n\(lines)\n"
            let outcome = try Shell.run(["/bin/bash", try site.directory.write(script, to: "prepare")])
            #expect(outcome.status.isSuccess, "\(outcome.output)")
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()

            var commands: [String] = []
            var remedies: Set<String> = []
            for place in places {
                let answer = try site.get(place.name, headers: "Accept: application/json\r\n")
                #expect([500, 404].contains(answer.status), "\(place.name): \(answer.text)")
                let told = try Self.commands(inJSON: answer.text)
                let text = try site.get(place.name, headers: "Accept: text/plain\r\n").text
                #expect(Self.commands(inText: text) == told, "\(place.name): \(text)")
                // Each word of a command has an element of its own, so that lines are not broken within it.
                let page = try site.get(place.name, headers: "Accept: text/html\r\n").text
                    .replacing("<span>", with: "").replacing("</span>", with: "")
                for command in told { #expect(page.contains(Self.html(command)), "\(place.name): \(command)") }
                let groups = try site.status().groups
                let failure = try #require(
                    groups.first { $0.lastError != nil && answer.text.contains($0.lastError?.id ?? "-") }
                )
                if let file = failure.lastError?.detailsFile {
                    #expect(Self.commands(inText: try TestFile.text(file)) == told, "\(place.name)")
                }
                commands += told
                remedies.formUnion(try Self.report(inJSON: answer.text).remedies.map(\.inLine))
            }
            // Several of the places have something to type, and the log says nothing else.
            #expect(commands.count > places.count, "\(commands)")
            let logged = Set(site.log().split(separator: "\n").compactMap(Self.remedy(inLine:)))
            #expect(!logged.isEmpty && logged.isSubset(of: remedies), "\(logged.subtracting(remedies))")
            let verdict = try Shell.run(["/usr/bin/python3", "-c", Self.judge] + commands)
            #expect(verdict.status.isSuccess && verdict.output == "", "\(verdict.output)")
        }

        @Test func `what an app prints neither forges a line of the log nor reaches a terminal`() throws {
            let site = try Self.site()
            try Self.add(Self.printer, "shop", to: site)
            try site.startDaemon()
            try site.startFront()
            _ = try site.page("shop", "/print")
            try eventually("the last line") { site.log().contains("the end") }
            let log = try Files.read(site.daemonLog)
            #expect(log.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 })
            let text = try #require(String(validating: log, as: UTF8.self))
            for hidden: Unicode.Scalar in [
                "\u{9B}", "\u{85}", "\u{2028}", "\u{202E}", "\u{FEFF}", "\u{600}", "\u{E0041}",
            ] {
                #expect(!text.unicodeScalars.contains(hidden), "\(hidden.value)")
            }
            // Each line is one of the daemon's, and what the app printed names the app.
            let root = site.root(of: "shop")
            for line in text.split(separator: "\n") {
                #expect(line.dropFirst().hasPrefix(", ["), "\(line)")
                if line.contains("forged") { #expect(line.contains("-- : app=\(root) App "), "\(line)") }
                #expect(line.utf8.count < 40_000)
            }
            for shown in [
                #"output: real\rF, [2030-01-01T00:00:00 #1] FATAL -- : forged"#, #"output: \x1b]0;forged\x07\x1b[2J"#,
                #"output: \xff\xfe \u{9b}31m \u{85}"#, #"output: \u{202e}\u{2028}\u{feff}\u{600}\u{e0041}"#,
                "output: \tgrüße 👍 C:\\dir",
            ] {
                #expect(text.contains(shown), "\(shown)")
            }
        }

        @Test func `an app that floods the log loses lines, and nobody else does`() throws {
            let site = try Self.site()
            try Self.add(Self.printer, "flood", to: site)
            try Self.add(Self.printer, "shop", to: site)
            try site.startDaemon()
            try site.startFront()
            let lines = 120_000
            _ = try site.page("flood", "/flood?\(lines)")
            _ = try site.page("shop", "/print")
            try eventually("the neighbour's last line", within: .seconds(20)) {
                site.log().contains("app=\(site.root(of: "shop")) App ") && site.log().contains("output: the end")
            }
            let flood = try #require(try site.processes(of: "flood").first)
            try site.daemon?.signal(.terminate)
            try eventually("the end of the daemon", within: .seconds(20)) { site.daemon?.isRunning == false }
            let log = site.log().split(separator: "\n")
            let written = log.count { $0.hasSuffix("output: x") }
            #expect(written >= 16_384 && written < lines / 2, "\(written)")
            let note = try #require(log.last { $0.contains("lines were left out of this log") }, "\(log.suffix(5))")
            #expect(note.contains("app=\(site.root(of: "flood")) lines=") && note.hasSuffix("what=output"))
            // What the daemon itself says about the same app is all there.
            #expect(log.contains { $0.contains("process ended") && $0.contains("pid=\(flood.pid)") })
        }

        // MARK: Pieces

        private static func site() throws -> Site {
            let site = try Site(
                apps: [],
                daemonFlags: ["--max-pool-size=30"],
                httpSettings: [
                    "passenger_load_shell_envvars off;", "passenger_friendly_error_pages on;",
                    "passenger_max_instances 1;",
                ]
            )
            site.daemonWrapper = try OwnAccounts.wrapper(in: site.directory)
            return site
        }

        private static func add(_ text: String, _ name: String, to site: Site) throws {
            try site.add(.init(name, from: nil))
            try site.directory.write(text, to: "apps/\(name)/passenger_wsgi.py")
            let outcome = try Shell.run(["chown", "-R", "\(OwnAccounts.joe.uid)", site.root(of: name)])
            #expect(outcome.status.isSuccess)
            try site.writeConfiguration()
        }

        private static func report(inJSON text: String) throws -> FailureReport {
            let start = try #require(text.firstRange(of: "\"report\":"), "\(text)").upperBound
            return try #require(FailureReport(json: text[start...].trimmedEnd.dropLast().utf8), "\(text)")
        }

        private static func commands(inJSON text: String) throws -> [String] {
            try report(inJSON: text).remedies.compactMap(\.command)
        }

        /// The lines below "What to do:" that stand further in than sentences.
        private static func commands(inText text: String) -> [String] {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "What to do:" }
            return lines.prefix { !$0.isEmpty }.filter { $0.hasPrefix("      ") }.map { String($0.dropFirst(6)) }
        }

        /// The value behind ` remedy=`, with its quotes undone.
        private static func remedy(inLine line: Substring) -> String? {
            guard let start = line.firstRange(of: " remedy=")?.upperBound else { return nil }
            guard line[start...].hasPrefix("\"") else { return String(line[start...].prefix { $0 != " " }) }
            var command = ""
            var isEscaped = false
            for character in line[start...].dropFirst() {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                    continue
                } else if character == "\"" {
                    break
                }
                command.append(character)
            }
            return command
        }

        private static func html(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
                .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
        }

        /// Prints the commands of which a part of the name is a word of its own, scripts within them included.
        private static let judge = """
            import shlex
            import sys

            def words(command):
                for word in shlex.split(command, comments=True):
                    yield word
                    if word.startswith("cd "):
                        yield from words(word)

            for command in sys.argv[1:]:
                found = list(words(command))
                if "4755" in found or "chmod 4755" in command.replace("d: chmod 4755 x #", ""):
                    print(command)

            """

        private static let printer = """
            import os
            import sys

            def application(environ, start_response):
                if environ["PATH_INFO"] == "/print":
                    os.write(1, b"real\\rF, [2030-01-01T00:00:00 #1] FATAL -- : forged\\n"
                                b"\\x1b]0;forged\\x07\\x1b[2J\\n\\xff\\xfe \\xc2\\x9b31m \\xc2\\x85\\n")
                    os.write(2, "\\u202e\\u2028\\ufeff\\u0600\\U000e0041\\n\\tgr\\u00fc\\u00dfe \\U0001f44d C:\\\\dir\\r\\n".encode())
                    os.write(1, b"\\x01" * 50000 + b"\\n" + b"the end\\n")
                if environ["PATH_INFO"] == "/flood":
                    lines = b"x\\n" * int(environ["QUERY_STRING"])
                    while lines:
                        lines = lines[os.write(1, lines):]
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [f"{os.getpid()}\\n".encode()]

            """
    }
}

extension Substring {
    /// Without line ends at its end.
    fileprivate var trimmedEnd: Substring {
        var text = self
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }
}
