// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// The daemon's log with what applications print, whatever they print and wherever it goes.
    @Suite(.timeLimit(.minutes(3)))
    struct LogTests {
        private static func site(flags: [String] = []) throws -> Site {
            try Site(
                apps: [
                    .init("life", from: "life", owner: Integration.owner(0)),
                    .init("other", from: "wsgi", owner: Integration.owner(1)),
                ],
                daemonFlags: flags,
                httpSettings: ["passenger_load_shell_envvars off;", "passenger_max_instances 1;"]
            )
        }

        private static func running(flags: [String] = []) throws -> Site {
            let site = try site(flags: flags)
            try site.startDaemon()
            try site.startFront()
            return site
        }

        private static func bytes(_ path: String) -> [UInt8] { (try? Files.read(path)) ?? [] }

        /// What the lines of application output say, in their order; nil for a line that is no whole one.
        private static func appLines(_ text: String) -> [Substring] {
            text.split(separator: "\n").compactMap { line in
                line.firstRange(of: " output: ").map { line[$0.upperBound...] }
            }
        }

        /// The numbers of `/lines`; a torn line fails the test.
        private static func numbers(_ text: String) throws -> [Int] {
            try appLines(text).filter { $0.hasPrefix("<") }.map { line in
                let number = try #require(Int(line.dropFirst().prefix(8)), "\(line)")
                #expect(line.utf8.count == 11 + number % 90 && line.last == ">", "torn: \(line)")
                return number
            }
        }

        /// The only line of the daemon's log that holds a text.
        private static func line(_ site: Site, _ text: String) throws -> String {
            var lines: [Substring] = []
            try eventually("a line with \(text)") {
                lines = site.log().split(separator: "\n").filter { $0.contains(text) }
                return !lines.isEmpty
            }
            #expect(lines.count == 1, "\(lines)")
            return String(lines[0])
        }

        @Test func `every line about a process names it and its app, and its end what it had done and was doing`()
            throws
        {
            let site = try Self.running()
            let app = "app=\(site.root(of: "life"))"
            let pid = try #require(try site.page("life", "/lines?n=0").pid)
            try eventually("its output") { site.log().contains("\(app) App \(pid) output: <00000000") }
            for _ in 1...3 { _ = try site.page("life") }
            let answer = try site.get("life", "/exit?secret=hush")
            #expect(answer.status == 502)
            let end = try Self.line(site, "process ended without having been asked to")
            for part in [
                app, "pid=\(pid)", "status=\"exit code 7\"", "requests-served=4", "requests-running=1",
                "requests=\"[GET life.localhost /exit 0.",
            ] {
                #expect(end.contains(part), "\(part): \(end)")
            }
            #expect(!end.contains("hush"))
            // The front's line about the same crash has the same app and PID.
            let front = try TestFile.text(site.frontLog)
            #expect(front.contains("pid=\(pid)") && front.contains(app), "\(front)")
            let next = try #require(try site.page("life").pid)
            try site.daemon?.signal(.terminate)
            let last = try Self.line(site, "process ended app=")
            for part in [app, "pid=\(next)", "requests-served=1", "requests-running=0"] {
                #expect(last.contains(part), "\(part): \(last)")
            }
        }

        @Test(.enabled(if: Machine.isRoot, "apps need users of their own"))
        func `a process that an app leaves behind is named with the app`() throws {
            let site = try Self.running(flags: ["--log-level=5"])
            let pid = try #require(try site.page("life", "/daemon").pid)
            let line = try Self.line(site, "an app has left a process behind")
            #expect(line.contains("app=\(site.root(of: "life")) pid=\(pid) uid="), "\(line)")
        }

        @Test func `rotation by rename loses and tears no line of a busy application`() throws {
            let site = try Self.running()
            var printed = 0
            for round in 1...10 {
                for _ in 1...5 {
                    _ = try site.page("life", "/lines?n=\(printed)")
                    printed += 200
                }
                let old = "\(site.daemonLog).\(round)"
                try Files.rename(site.daemonLog, to: old)
                // Still goes to the file that was moved.
                _ = try site.page("life", "/lines?n=\(printed)")
                printed += 200
                try #require(site.daemon).signal(round % 2 == 0 ? .hangUp : .user1)
                try eventually("the log to be opened anew") { TestFile.exists(site.daemonLog) }
            }
            _ = try site.page("life", "/lines?n=\(printed)")
            printed += 200
            var found: [Int] = []
            try eventually("all lines", within: .seconds(10)) {
                let files = (1...10).map { "\(site.daemonLog).\($0)" } + [site.daemonLog]
                found = try files.flatMap { try Self.numbers(TestFile.text($0)) }
                return found.count >= printed
            }
            #expect(found.sorted() == Array(0..<printed))
            #expect(!Self.appLines(try TestFile.text(site.daemonLog)).isEmpty)
        }

        @Test func `after copytruncate the log begins with a whole line, and what was copied is whole`() throws {
            let site = try Self.running()
            var printed = 0
            for round in 1...5 {
                for _ in 1...5 {
                    _ = try site.page("life", "/lines?n=\(printed)")
                    printed += 200
                }
                // What logrotate does; a moment between its two steps is its own.
                let copy = "cp \(site.daemonLog) \(site.daemonLog).\(round) && truncate -s 0 \(site.daemonLog)"
                #expect(try Shell.script(copy).status.isSuccess)
            }
            _ = try site.page("life", "/lines?n=\(printed)")
            try eventually("the last line") { try Self.numbers(site.log()).contains(printed + 199) }
            let files = (1...5).map { "\(site.daemonLog).\($0)" } + [site.daemonLog]
            for file in files {
                let bytes = Self.bytes(file)
                // A writer that kept its place would leave a hole of zeroes.
                #expect(!bytes.contains(0))
                #expect(bytes.isEmpty || bytes.starts(with: "I, [".utf8), "\(file)")
                let numbers = try Self.numbers(TestFile.text(file))
                #expect(numbers == numbers.sorted())
            }
        }

        @Test func `a flood is cut to what the log can bear, and what was left out is counted`() throws {
            let site = try Self.running()
            let other = try site.page("other", "/pid").pid
            let load = try site.load(clients: 1, app: "other")
            let began = ContinuousClock.now
            // So many blocks of 1,000 lines of 100 bytes.
            let blocks = 400
            #expect(try site.get("life", "/flood?n=\(blocks)").status == 200)
            let seconds = Int((ContinuousClock.now - began).components.seconds) + 2
            let result = load.stop()
            #expect(result.refused == [] && result.lost == [] && result.pids == [other])
            let pid = try #require(try site.page("life", "/pid").pid)
            // The last note comes with the next line, or with the end.
            try ProcessHandle(pid: pid).signal(.kill)
            var kept = 0
            var leftOut = 0
            // By the reader of the pipe and by the log, which tells it ten seconds later.
            try eventually("lines that the log left out") {
                let log = site.log()
                kept = Self.appLines(log).count { $0.hasPrefix("flood x") }
                let notes = log.split(separator: "\n").filter { $0.contains("lines were left out of this log") }
                leftOut = notes.compactMap { line in
                    line.firstRange(of: " lines=").flatMap { Int(line[$0.upperBound...].prefix { $0.isNumber }) }
                }.reduce(0, +)
                return leftOut > 0
            }
            #expect(kept >= 16_384 && kept + leftOut <= blocks * 1000 + 1000, "\(kept) and \(leftOut)")
            // A burst, then a steady rate.
            let limit = (4 + 2 * seconds) << 20
            #expect(kept * 100 <= limit, "\(kept) lines in \(seconds) s")
        }

        @Test func `an endless line is cut at 8 KB, odd bytes are shown, and last words are not lost`() throws {
            let site = try Self.running()
            _ = try site.page("life", "/endless?n=16")
            _ = try site.page("life", "/odd")
            _ = try site.get("life", "/last-words")
            try eventually("the last words") { Self.appLines(site.log()).contains("last words without a line end") }
            let pieces = Self.appLines(site.log()).filter { $0.hasPrefix("e") }
            #expect(pieces.allSatisfy { $0.utf8.count <= 8192 })
            #expect(pieces.map(\.utf8.count).reduce(0, +) == 16 * 65_536)
            let odd = Array(#"output: odd \xff\xfe\x80 bytes"#.utf8) + [0x0A]
            let bytes = Self.bytes(site.daemonLog)
            #expect(bytes.firstRange(of: odd) != nil)
        }

        @Test func `without prefix the lines of applications stand alone`() throws {
            let site = try Self.running(flags: ["--disable-log-prefix"])
            _ = try site.page("life", "/lines?n=0")
            try eventually("the lines") { site.log().contains("\n<00000000 >\n<00000001 x>\n") }
        }

        @Test func `a reader of standard error that takes nothing holds up neither requests nor the end`() throws {
            let site = try Self.site()
            let pipe = site.directory.file("stderr")
            #expect(try Shell.run(["mkfifo", pipe]).status.isSuccess)
            // A reader that opens and never reads; it takes what is left when it is told to.
            let reader = try RunningProgram(
                ["/bin/bash", "-c", "exec 3<\(pipe); read -r word <\(pipe).go; cat <&3"],
                log: site.directory.file("read")
            )
            #expect(try Shell.run(["mkfifo", "\(pipe).go"]).status.isSuccess)
            let arguments = site.daemonArguments.filter { !$0.hasPrefix("--log-file") }
            let daemon = try RunningProgram(
                ["/bin/bash", "-c", "exec \"$@\" 2>\(pipe)", "bash"] + arguments,
                log: site.directory.file("daemon.out")
            )
            try eventually("the daemon") { (try? UnixSocket.connect(path: site.socket, nonBlocking: true)) != nil }
            try site.startFront()
            let pid = try site.page("other", "/pid").pid
            // Far more than the pipe and the backlog hold.
            #expect(try site.get("life", "/flood?n=20").status == 200)
            for _ in 1...20 { #expect(try site.page("other", "/pid").pid == pid) }
            #expect(reader.isRunning && reader.output.isEmpty)
            #expect(try Shell.script("echo go > \(pipe).go").status.isSuccess)
            try eventually("a note of what was lost") {
                _ = try site.page("life", "/odd")
                return reader.output.contains("lines of this log were lost")
            }
            // No line of the watchdog or the core is torn.
            #expect(reader.output.split(separator: "\n").allSatisfy { $0.contains(" -- : ") })
            #expect(try daemon.terminate() == .exited(0))
            try eventually("the last line") { reader.output.contains("Flying Passenger stopped") }
        }
    }
}
