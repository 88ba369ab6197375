// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

/// A site in which one application is well and asked all the time, while others break; and what must not change about it.
final class Neighbourhood {
    static let neighbour = "neighbour"
    /// More memory than before, which is no leak: what the allocator keeps, and code that ran for the first time.
    static let tolerance: UInt64 = 12 << 20

    let site: Site
    private let apps: [BrokenApp]
    /// Lines of the daemon's log about failed starts, as far as they were read.
    var failures: [Substring] = []
    private let pid: Int32
    private let load: Load
    /// Watchdog, core, master and worker, with what they used before.
    private var programs: [(name: String, pid: Int32, descriptors: Int, memory: UInt64)] = []

    init(_ apps: [BrokenApp], daemonFlags: [String] = []) throws {
        self.apps = apps
        let neighbour = Site.App(
            Self.neighbour,
            from: "wsgi",
            owner: try Self.account("news"),
            settings: ["passenger_max_instances 1;"]
        )
        site = try Site(
            apps: [neighbour] + apps.map(Self.hosted),
            // Processes that nobody asks are soon gone, so that nothing of them may be left in the end.
            daemonFlags: ["--max-pool-size=100", "--pool-idle-time=2"] + daemonFlags,
            httpSettings: ["passenger_load_shell_envvars off;"]
        )
        for app in apps { try Self.furnish(app, in: site) }
        try site.startDaemon()
        try site.startFront()
        pid = try #require(try site.page(Self.neighbour, "/pid").pid)
        // Each event loop of the front gets its stream.
        for _ in 0..<8 { _ = try site.page(Self.neighbour, "/pid") }
        load = try site.load(clients: 2, app: Self.neighbour, rest: .milliseconds(2))
        try load.waitForAnswers(20)
        programs = try measure()
    }

    private static func account(_ name: String) throws -> UserAccount? {
        Machine.isRoot ? try Accounts.user(named: name) : nil
    }

    private static func hosted(_ app: BrokenApp) -> Site.App {
        .init(
            app.name,
            from: nil,
            settings: ["passenger_min_instances 0;", "passenger_max_instances 1;"] + app.settings
        )
    }

    private static func furnish(_ app: BrokenApp, in site: Site) throws {
        let root = "apps/\(app.name)"
        try site.directory.write("", to: "\(root)/public/empty.txt")
        for (path, text) in app.files { try site.directory.write(text, to: "\(root)/\(path)") }
        if app.files.isEmpty {
            let text = try Repository.text("Tests/IntegrationTests/Apps/broken/passenger_wsgi.py")
            try site.directory.write(text, to: "\(root)/passenger_wsgi.py")
        }
        let ownership = Machine.isRoot ? "chown -hR \(app.user): ." : ""
        let commands = "set -e\n\(app.arrangement)\n\(ownership)"
        let outcome = try Shell.script(commands, in: site.directory.file(root))
        #expect(outcome.status.isSuccess, "\(app.name): \(outcome.output)")
    }

    private func measure() throws -> [(name: String, pid: Int32, descriptors: Int, memory: UInt64)] {
        let pids = [
            ("watchdog", try #require(site.daemon).pid), ("core", try site.corePID()),
            ("master", try #require(site.front).pid), ("worker", try #require(try site.workerPIDs().first)),
        ]
        return pids.map { name, pid in
            (name, pid, ProcessFacts.descriptorCount(of: pid), MemoryUse(pid: pid)?.privateBytes ?? 0)
        }
    }

    // MARK: What must not have changed

    /// Ends the load and looks at everything that could have been left behind.
    func expectUnharmed() throws {
        try load.waitForAnswers(20)
        let result = load.stop()
        #expect(result.lost == [] && result.refused == [], "\(result.lost.prefix(5)) \(result.refused.prefix(5))")
        #expect(result.pids == [pid], "the neighbour was restarted")
        let after = try measure()
        #expect(after.map(\.pid) == programs.map(\.pid), "a program was replaced")
        try eventually("processes of broken applications to be gone: \(strays().map(Self.describe))") {
            strays().isEmpty
        }
        for before in programs {
            func count() -> Int { ProcessFacts.descriptorCount(of: before.pid) }
            try eventually("descriptors of the \(before.name) (\(count())) to be \(before.descriptors) again") {
                count() <= before.descriptors
            }
            let memory = MemoryUse(pid: before.pid)?.privateBytes ?? 0
            #expect(
                memory <= before.memory + Self.tolerance,
                "\(before.name): \(before.memory >> 10) KiB before, \(memory >> 10) KiB after"
            )
        }
        let daemon = try #require(site.daemon)
        try eventually("no zombie to be left") {
            ProcessFacts.descendants(of: daemon.pid).allSatisfy { ProcInfo(pid: $0)?.isZombie != true }
        }
        #expect(try site.page(Self.neighbour, "/pid").pid == pid)
    }

    /// Tells the daemon to stop; nothing that it has ever started may be left.
    func expectEndOfDaemon(within limit: Duration) throws {
        _ = load.stop()
        #expect(try #require(site.daemon).terminate(within: limit) == .exited(0), "\(site.log().suffix(2000))")
        #expect(strays().isEmpty, "\(strays().map(Self.describe))")
        #expect(!ProcessFacts.isRunning(pid), "the neighbour")
    }

    /// Processes that came from this site and are neither its programs nor the neighbour.
    ///
    /// Whatever they do to their arguments, working directory and session, they have their environment from an application.
    private func strays() -> [Int32] {
        let known = Set(programs.map(\.pid) + [pid, CurrentProcess.pid])
        let leftovers = Set(site.leftovers())
        return ProcInfo.all().filter { pid in
            guard !known.contains(pid), ProcessFacts.isRunning(pid) else { return false }
            // What ends while it is looked at is no stray; kernel threads have no environment.
            let environment = (try? TestFile.text("/proc/\(pid)/environ")) ?? ""
            return leftovers.contains(pid) || environment.utf8.count > 0 && environment.contains(site.directory.path)
        }
    }

    private static func describe(_ pid: Int32) -> String { "\(pid) \(ProcInfo.arguments(of: pid))" }
}
