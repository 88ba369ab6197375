// SPDX-License-Identifier: MIT

package import LinuxSystem
package import WireProtocol

/// A daemon and a front with applications, in a directory of their own; everything is ended with it.
package final class Site {
    /// An application of the site, reachable under `NAME.localhost`.
    package struct App {
        package let name: String
        /// Folder below `Tests/IntegrationTests/Apps`, or nil when the test makes the root itself.
        package let source: String?
        package let owner: UserAccount?
        /// Lines for its `server` block.
        package let settings: [String]
        /// Folder of its root below `apps` in the directory of the site.
        package let root: String

        package init(
            _ name: String,
            from source: String?,
            owner: UserAccount? = nil,
            root: String? = nil,
            settings: [String] = []
        ) {
            self.name = name
            self.source = source
            self.root = root ?? name
            self.owner = owner
            self.settings = settings
        }
    }

    package let directory: TestDirectory
    package let port: UInt16
    package let socket: String
    package let daemonLog: String
    package let frontLog: String
    /// Lines for the `http` block; effective with the next start or reload of the front.
    package var httpSettings: [String]
    package private(set) var apps: [App]
    /// Effective with the next start of the daemon.
    package var daemonFlags: [String]
    /// A program that becomes the daemon with its next start (`prlimit` and the like), with its arguments.
    package var daemonWrapper: [String] = []
    /// The same for the front.
    package var frontWrapper: [String] = []
    /// Another copy of the daemon than that of `programs`.
    package var daemonProgram: String?
    package private(set) var daemon: RunningProgram?
    package private(set) var front: RunningProgram?
    private let programs: String
    private var starts = 0

    /// Prepares everything and starts nothing.
    package init(
        apps: [App],
        daemonFlags: [String] = [],
        httpSettings: [String] = [],
        programs: String = Repository.programs
    ) throws {
        self.programs = programs
        directory = try TestDirectory()
        // Free a moment ago; the kernel does not hand out a port again so soon.
        port = try TCPListener.bind(host: "127.0.0.1", port: 0).port
        socket = directory.file("daemon.sock")
        daemonLog = directory.file("daemon.log")
        frontLog = directory.file("front.log")
        self.apps = apps
        self.daemonFlags = daemonFlags
        self.httpSettings = httpSettings
        for app in apps { try makeRoot(of: app) }
        try writeConfiguration()
    }

    /// Prepares and starts daemon and front.
    package static func running(
        _ apps: [App],
        daemonFlags: [String] = [],
        httpSettings: [String] = []
    ) throws -> Site {
        let site = try Site(apps: apps, daemonFlags: daemonFlags, httpSettings: httpSettings)
        try site.startDaemon()
        try site.startFront()
        return site
    }

    deinit { close() }

    package func close() {
        front?.stop()
        daemon?.stop()
        // A watchdog that a test has killed leaves its core a moment to end by itself.
        for pid in leftovers() { _ = try? ProcessHandle(pid: pid).signal(.kill) }
        directory.remove()
    }

    // MARK: Configuration

    package var configurationPath: String { directory.file("front-proxy.conf") }

    package func root(of app: String) -> String { directory.file("apps/\(app)") }

    package func add(_ app: App) throws {
        apps.append(app)
        try makeRoot(of: app)
    }

    package func remove(_ name: String) { apps.removeAll { $0.name == name } }

    package func writeConfiguration() throws {
        let servers = apps.map { app in
            let lines = [
                "listen 127.0.0.1:\(port);", "server_name \(app.name).localhost;",
                "root \(directory.file("apps/\(app.root)"))/public;",
                "passenger_enabled on;",
            ]
            return "    server {\n" + (lines + app.settings).map { "        \($0)\n" }.joined() + "    }\n"
        }
        let http = ["passenger_fly_with \(socket);", "passenger_python /usr/bin/python3;"] + httpSettings
        let text = "http {\n" + http.map { "    \($0)\n" }.joined() + servers.joined() + "}\n"
        try directory.write(text, to: "front-proxy.conf")
    }

    private func makeRoot(of app: App) throws {
        guard let source = app.source else { return }
        let path = try directory.copy("Tests/IntegrationTests/Apps/\(source)", to: "apps/\(app.name)")
        if let owner = app.owner { try TestDirectory.give(path, to: owner) }
    }

    // MARK: Programs

    package var daemonArguments: [String] {
        [
            daemonProgram ?? "\(programs)/flying-passenger", "--socket-file=\(socket)",
            "--instance-registry-dir=\(directory.file("registry"))", "--log-file=\(daemonLog)",
        ] + daemonFlags
    }

    @discardableResult
    package func startDaemon() throws -> RunningProgram {
        starts += 1
        let before = upLines()
        let program = try RunningProgram(daemonWrapper + daemonArguments, log: directory.file("daemon.\(starts).out"))
        daemon = program
        try eventually("the daemon to be up; its log:\n\((try? TestFile.text(daemonLog)) ?? "")\(program.output)") {
            if upLines() > before { return true }
            guard program.isRunning else {
                throw RunningProgram.Failure.ended("daemon", try program.waitForExit(), output: program.output + log())
            }
            return false
        }
        return program
    }

    @discardableResult
    package func startFront(listeners: [Int32] = [], flags: [String] = []) throws -> RunningProgram {
        starts += 1
        let arguments = [
            "\(programs)/front-proxy", "--config=\(configurationPath)", "--log-file=\(frontLog)",
            "--pid-file=\(directory.file("front.pid"))",
        ]
        let program = try RunningProgram(
            frontWrapper + arguments + flags,
            log: directory.file("front.\(starts).out"),
            listeners: listeners
        )
        front = program
        if listeners.isEmpty {
            try eventually("the front to accept connections") {
                guard program.isRunning else {
                    let output = program.output + ((try? TestFile.text(frontLog)) ?? "")
                    throw RunningProgram.Failure.ended("front", try program.waitForExit(), output: output)
                }
                return (try? HTTPConnection(port: port)) != nil
            }
        }
        return program
    }

    /// The daemon's log.
    package func log() -> String { (try? TestFile.text(daemonLog)) ?? "" }

    private func upLines() -> Int { log().pieces(between: "Flying Passenger up and listening on").count - 1 }

    // MARK: Requests

    package func get(_ app: String, _ path: String = "/", headers: String = "") throws -> HTTPResponse {
        let response = try HTTPConnection(port: port).get(path, host: "\(app).localhost", headers: headers)
        // A visitor is not quicker than that; a request within two milliseconds would be carried by the lease of this one, and would
        // not see what the test does to the application meanwhile.
        pause(.milliseconds(3))
        return response
    }

    /// A page that must come with status 200.
    package func page(_ app: String, _ path: String = "/") throws -> HTTPResponse {
        let response = try get(app, path)
        guard response.status == 200 else {
            throw TimedOut(description: "\(app)\(path): \(response.status)\n\(response.text)\n\(log().suffix(3000))")
        }
        return response
    }

    package func load(clients: Int, app: String, path: String = "/pid", rest: Duration = .zero) throws -> Load {
        try Load(clients: clients, port: port, host: "\(app).localhost", path: path, rest: rest)
    }

    // MARK: Processes

    package func status() throws -> StatusReport {
        let outcome = try Shell.run([
            Repository.program("passenger-status"), "--socket-file=\(socket)", "--show=json",
        ])
        guard outcome.status.isSuccess else {
            throw RunningProgram.Failure.ended("passenger-status", outcome.status, output: outcome.output)
        }
        return try StatusReport(json: Array(outcome.output.utf8))
    }

    package func processes(of app: String) throws -> [ProcessReport] {
        try status().groups.first { $0.appRoot == root(of: app) }?.processes ?? []
    }

    /// The core that the running daemon has at the moment.
    package func corePID() throws -> Int32 {
        guard let daemon else { throw RunningProgram.Failure.notFound("daemon") }
        var found: Int32?
        try eventually("the core") {
            found = ProcInfo.children(of: daemon.pid).first {
                ProcessFacts.program(of: $0) == "flying-passenger" && ProcInfo.arguments(of: $0).contains("--core")
            }
            return found != nil
        }
        return found ?? -1
    }

    /// Workers that the running front has at the moment, draining ones included.
    package func workerPIDs() throws -> [Int32] {
        guard let front else { throw RunningProgram.Failure.notFound("front") }
        var found: [Int32] = []
        // The master accepts connections a moment before its first worker runs. That one starts as the helper, and before
        // the helper is executed it looks like its master.
        try eventually("a worker") {
            found = ProcInfo.children(of: front.pid).filter {
                ProcessFacts.isRunning($0) && ProcessFacts.program(of: $0) == "front-proxy"
                    && ProcInfo.arguments(of: $0).contains("--worker")
            }
            return !found.isEmpty
        }
        return found
    }

    /// Processes whose command line or working directory names the directory of this site, other than its two programs.
    package func leftovers() -> [Int32] {
        ProcInfo.all().filter { pid in
            guard pid != CurrentProcess.pid, pid != daemon?.pid || daemon?.isRunning == false else { return false }
            guard pid != front?.pid || front?.isRunning == false, ProcessFacts.isRunning(pid) else { return false }
            if ProcInfo.arguments(of: pid).contains(where: { $0.contains(directory.path) }) { return true }
            return (try? Files.readLink("/proc/\(pid)/cwd").hasPrefix(directory.path)) ?? false
        }
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The pieces between occurrences of another text.
    package func pieces(between separator: String) -> [Substring] {
        self[...].split(separator: separator, omittingEmptySubsequences: false)
    }
}
