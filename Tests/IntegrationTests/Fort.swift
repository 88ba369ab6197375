// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

/// A site under attack, and what must not change about it.
final class Fort {
    let site: Site
    let core: Int32
    /// The application that the real front serves.
    let pid: Int32
    let worker: UserAccount
    let trusted: UserAccount
    let stranger: UserAccount
    /// Below it a front without authority may name applications.
    let open: String
    private let script: String
    private var descriptors = 0
    private var memory = 0

    init(others: [Site.App] = [], descriptorLimit: Int? = nil, poolSize: Int = 16, without missing: String? = nil)
        throws
    {
        let users = try ["www-data", "lp", "games"].map { try #require(try Accounts.user(named: $0)) }
        (worker, trusted, stranger) = (users[0], users[1], users[2])
        // One process, so that the number of descriptors is known.
        let settings = ["passenger_max_instances 1;"]
        let wsgi = Site.App("wsgi", from: "wsgi", owner: Machine.appUsers[1], settings: settings)
        site = try Site(apps: [wsgi] + others, httpSettings: ["passenger_load_shell_envvars off;"])
        open = site.directory.file("apps/open")
        script = try site.directory.write(
            try Repository.text("Tests/IntegrationTests/Scripts/hostile-peer.py"),
            to: "hostile-peer.py"
        )
        site.daemonFlags += [
            "--socket-mode=0666", "--trust-user=lp", "--app-root-allow=\(open)", "--max-pool-size=\(poolSize)",
        ]
        if let descriptorLimit { site.daemonWrapper = ["prlimit", "--nofile=\(descriptorLimit)"] }
        if let missing {
            let wrapper = ["env", "\(Floor.environmentVariable)=\(missing)"]
            (site.daemonWrapper, site.frontWrapper) = (wrapper, wrapper)
        }
        try site.startDaemon()
        try site.startFront()
        core = try site.corePID()
        pid = try #require(try site.page("wsgi", "/pid").pid)
        try mark()
    }

    var adminSocket: String {
        get throws {
            let registry = site.directory.file("registry")
            let path = TestFile.names(in: registry).map { "\(registry)/\($0)/admin.sock" }.first { TestFile.exists($0) }
            return try #require(path)
        }
    }

    /// An application that the real front does not know.
    func app(_ name: String, owner: UserAccount, text: String? = nil) throws -> String {
        let source = try text ?? Repository.text("Tests/IntegrationTests/Apps/wsgi/passenger_wsgi.py")
        try site.directory.write(source, to: "apps/\(name)/passenger_wsgi.py")
        let root = site.directory.file("apps/\(name)")
        try TestDirectory.give(root, to: owner)
        return root
    }

    // MARK: Attacks

    /// Runs a hostile peer to its end; its lines.
    func attack(_ user: UserAccount?, socket: String? = nil, _ commands: String...) throws -> [String] {
        try attack(user, socket: socket, commands)
    }

    func attack(_ user: UserAccount?, socket: String? = nil, _ commands: [String]) throws -> [String] {
        let outcome = try Shell.run(
            ["/usr/bin/python3", script, socket ?? site.socket] + commands,
            as: user,
            within: .seconds(20)
        )
        guard outcome.status.isSuccess else {
            throw RunningProgram.Failure.ended("hostile peer", outcome.status, output: outcome.output)
        }
        return outcome.output.split(separator: "\n").map(String.init)
    }

    /// Starts a hostile peer.
    func start(_ user: UserAccount?, socket: String? = nil, _ commands: String...) throws -> RunningProgram {
        try start(user, socket: socket, commands)
    }

    private var started = 0
    private func start(_ user: UserAccount?, socket: String? = nil, _ commands: [String]) throws -> RunningProgram {
        started += 1
        return try RunningProgram(
            ["/usr/bin/python3", script, socket ?? site.socket] + commands,
            log: site.directory.file("peer.\(started)"),
            user: user
        )
    }

    /// Starts a hostile peer and waits until it has done all that, and keeps its connections.
    func hold(_ user: UserAccount?, _ commands: String...) throws -> RunningProgram { try hold(user, commands) }

    func hold(_ user: UserAccount?, _ commands: [String]) throws -> RunningProgram {
        let program = try start(user, commands + ["hold"])
        try program.waitForOutput("holding")
        return program
    }

    // MARK: What must not change

    /// From here on the core is to have so many descriptors as now: what an attack may leave behind is there.
    func mark() throws {
        // Each event loop of the front keeps a stream of its own.
        for _ in 0..<8 { _ = try site.page("wsgi", "/pid") }
        var before = -1
        // Connections that just ended may be on their way out.
        try eventually("the descriptors to settle") {
            defer { before = ProcessFacts.descriptorCount(of: core) }
            pause(.milliseconds(50))
            return before == ProcessFacts.descriptorCount(of: core)
        }
        descriptors = before
        memory = try resident()
    }

    private func resident() throws -> Int { try #require(ProcessFacts(pid: core)).residentKilobytes }

    /// What the allocator keeps of memory that is free again, in KiB.
    private static let allowance = 40_000

    func stands() throws {
        #expect(try site.page("wsgi", "/pid").pid == pid, "the application was restarted")
        #expect(try site.corePID() == core, "the core was restarted:\n\(site.log().suffix(3000))")
        try eventually("descriptors of the core: \(descriptors)", within: .seconds(5)) {
            ProcessFacts.descriptorCount(of: core) <= descriptors
        }
        let grown = try resident() - memory
        #expect(grown < Self.allowance, "the core grew by \(grown) KiB")
    }
}
