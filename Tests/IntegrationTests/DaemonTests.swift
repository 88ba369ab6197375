// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// The daemon as a program: start, stop, log, command line.
    @Suite(.timeLimit(.minutes(1)))
    struct DaemonTests {
        private static func run(_ arguments: [String]) throws -> Shell.Outcome {
            try Shell.run([Repository.program("flying-passenger")] + arguments, within: .seconds(30))
        }

        @Test(arguments: [3, 0])
        func `the start is logged word for word at every level`(_ level: Int) throws {
            let site = try Site(apps: [], daemonFlags: ["--log-level=\(level)"])
            let daemon = try site.startDaemon()
            let lines = site.log().split(separator: "\n")
            let texts = lines.map { $0.pieces(between: " -- : ").last.map(String.init) ?? "" }
            let core = try site.corePID()
            let wanted = [
                "Welcome to Flying Passenger 0.1.0", "Starting PassengerWatchdog...",
                "PassengerWatchdog started on PID \(core)", "PassengerWatchdog initialized properly",
                "Flying Passenger up and listening on \(site.socket)!",
            ]
            // Which of the two processes the third line names is settled; that it is one of them is checked here.
            let alternative = wanted.map {
                $0.hasPrefix("PassengerWatchdog started") ? $0.replacing("\(core)", with: "\(daemon.pid)") : $0
            }
            let found = texts.filter { wanted.contains($0) || alternative.contains($0) }
            #expect(found == wanted || found == alternative, "\(lines)")
            for line in lines.prefix(5) {
                #expect(line.contains(#/^I, \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #\d+\]  INFO -- : /#), "\(line)")
            }
        }

        @Test func `a second daemon on the same socket is refused and harms nothing`() throws {
            let site = try Site(apps: [])
            let daemon = try site.startDaemon()
            let second = try Self.run([
                "--socket-file=\(site.socket)", "--instance-registry-dir=\(site.directory.file("other"))",
            ])
            #expect(second.status == .exited(1))
            #expect(second.output.contains(site.socket), "\(second.output)")
            #expect(daemon.isRunning && Files.exists(site.socket))
            #expect(try site.status().watchdogPID == daemon.pid)
            #expect(try daemon.terminate() == .exited(0))
        }

        @Test func `a stale socket is replaced`() throws {
            let site = try Site(apps: [])
            do {
                let listener = try UnixListener.bind(path: site.socket, mode: 0o600)
                _ = listener.rawValue
            }
            #expect(Files.exists(site.socket))
            try site.startDaemon()
            #expect(try site.status().processCount == 0)
        }

        @Test(.enabled(if: Machine.isRoot, "the group of another user needs root"))
        func `the socket belongs to root and the group of the front's user`() throws {
            let site = try Site(apps: [])
            try site.startDaemon()
            let outcome = try Shell.run(["stat", "--format=%a %U %G", site.socket])
            #expect(outcome.output == "660 root www-data\n")
        }

        @Test func `in the background it returns once the socket listens, and a signal ends it`() throws {
            let place = try TestDirectory()
            let arguments = [
                "--socket-file=\(place.file("sock"))", "--daemonize", "--log-file=\(place.file("log"))",
                "--pid-file=\(place.file("pid"))", "--instance-registry-dir=\(place.file("registry"))",
            ]
            let start = try Self.run(arguments)
            #expect(start.status == .exited(0), "\(start.output)")
            let connection = try UnixSocket.connect(path: place.file("sock"))
            _ = connection.rawValue
            let pid = try #require(Int32(try TestFile.text(place.file("pid")).prefix { $0.isNumber }))
            let handle = try ProcessHandle(pid: pid)
            #expect(
                ProcInfo(pid: pid)?.command == "flying-passenger" || ProcessFacts.program(of: pid) == "flying-passenger"
            )

            let second = try Self.run(arguments)
            #expect(second.status == .exited(1), "a failure of the one in the background is a failure of the command")
            #expect(!second.output.isEmpty)

            try handle.signal(.terminate)
            #expect(try handle.hasEnded(within: .seconds(30)))
            #expect(!Files.exists(place.file("sock")) && !Files.exists(place.file("pid")))
        }

        @Test func `the background needs a log file`() throws {
            let place = try TestDirectory()
            let outcome = try Self.run(["--socket-file=\(place.file("sock"))", "--daemonize"])
            #expect(outcome.status == .exited(1))
            #expect(outcome.output.contains("--log-file"), "\(outcome.output)")
        }

        @Test(arguments: [[], ["--no-such-flag"], ["--socket-file=/x", "--max-pool-size=none"]])
        func `wrong usage ends with 1 and a hint`(_ arguments: [String]) throws {
            let outcome = try Self.run(arguments)
            #expect(outcome.status == .exited(1))
            #expect(outcome.output.contains("--help") || outcome.output.contains("Usage"), "\(outcome.output)")
        }

        @Test(arguments: [
            "--socket-file", "--daemonize", "--log-file", "--pid-file", "--log-level", "--max-pool-size",
            "--pool-idle-time", "--default-user", "--front-user", "--shutdown-timeout", "--instance-registry-dir",
        ])
        func `the help names the flag`(_ flag: String) throws {
            let outcome = try Self.run(["--help"])
            #expect(outcome.status == .exited(0))
            #expect(outcome.output.contains(flag))
        }

        @Test(arguments: [Signal.hangUp, Signal.user1])
        func `a renamed log is reopened by a signal`(_ signal: Signal) throws {
            let site = try Site(apps: [])
            let daemon = try site.startDaemon()
            try Files.rename(site.daemonLog, to: site.directory.file("old.log"))
            try daemon.signal(signal)
            try eventually("a new log") { Files.exists(site.daemonLog) }
            #expect(try daemon.terminate() == .exited(0))
            try eventually("the end in the new log") { !site.log().isEmpty }
        }

        @Test func `three signals end it at once with 2, whatever an application does`() throws {
            let site = try Site.running([.init("wsgi", from: "wsgi", owner: Integration.owner(0))])
            let daemon = try #require(site.daemon)
            let connection = try HTTPConnection(port: site.port)
            _ = try site.page("wsgi")
            try connection.send("GET /sleep?ms=60000 HTTP/1.1\r\nHost: wsgi.localhost\r\n\r\n")
            try eventually("the request to be under way") { try site.processes(of: "wsgi").first?.sessions == 1 }
            let pid = try #require(try site.processes(of: "wsgi").first?.pid)
            for step in 1...2 {
                // Each step is logged; two signals at once would be one.
                let lines = site.log().split(separator: "\n").count
                try daemon.signal(.terminate)
                try eventually("step \(step) of the stop") { site.log().split(separator: "\n").count > lines }
                #expect(daemon.isRunning, "it waits for the request")
            }
            try daemon.signal(.terminate)
            #expect(try daemon.waitForExit(within: .seconds(5)) == .exited(2))
            try eventually("the application to end") { !ProcessFacts.isRunning(pid) }
        }

        @Test func `readiness and stop are told to the service manager`() throws {
            let place = try TestDirectory()
            // A datagram socket, as systemd has one.
            let receiver = try RunningProgram(
                [
                    "/usr/bin/python3", "-uc",
                    """
                    import socket
                    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                    s.bind("\(place.file("notify"))")
                    print("bound")
                    while True: print(s.recv(4096).decode())
                    """,
                ],
                log: place.file("notified")
            )
            try receiver.waitForOutput("bound")
            let daemon = try RunningProgram(
                [
                    Repository.program("flying-passenger"), "--socket-file=\(place.file("sock"))",
                    "--instance-registry-dir=\(place.file("registry"))",
                ],
                log: place.file("log"),
                environment: ["NOTIFY_SOCKET": place.file("notify")]
            )
            try receiver.waitForOutput("READY=1")
            try daemon.waitForOutput("up and listening")
            #expect(try daemon.terminate() == .exited(0))
            try receiver.waitForOutput("STOPPING=1")
        }
    }
}
