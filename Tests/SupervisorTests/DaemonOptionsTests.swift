// SPDX-License-Identifier: MIT

import AppSettings
import ArgumentParser
import ProgramLog
import SpawnPlan
import Testing

@testable import Supervisor

@Suite struct DaemonOptionsTests {
    private func parse(_ arguments: String...) throws -> DaemonOptions {
        try DaemonCommand.parse(["--socket-file=/run/fp.sock"] + arguments).options
    }

    @Test func `only the socket is required, the rest has defaults`() throws {
        let options = try parse()
        #expect(options.process.socketFile == "/run/fp.sock")
        #expect(options.process.socketMode == 0o660)
        #expect(options.process.socketBacklog == 2048)
        #expect(options.process.logLevel == .standard)
        #expect(options.process.shutdownTimeout == .seconds(60))
        #expect(!options.process.daemonize)
        #expect(options.pool.maxPoolSize == 6)
        #expect(options.pool.poolIdleTime == .seconds(300))
        #expect(options.pool.statThrottleRate == .zero)
        #expect(options.users.userSwitching)
        #expect(options.users.defaultUser == "nobody")
        #expect(options.users.minUID == 1)
        #expect(options.users.allowedUsers == nil)
        #expect(options.users.ownershipCheck == .strict)
        #expect(throws: (any Error).self) { try DaemonCommand.parse([]) }
    }

    @Test func `both forms of an option are understood`() throws {
        #expect(try parse("--max-pool-size=16").pool.maxPoolSize == 16)
        #expect(try parse("--max-pool-size", "16").pool.maxPoolSize == 16)
    }

    @Test func `options that may be repeated add up`() throws {
        let options = try parse(
            "--trust-user=a",
            "--trust-user",
            "b",
            "--app-root-allow=/srv",
            "--app-root-allow=/home",
            "--allowed-users=joe,jane",
            "--allowed-users=jim"
        )
        #expect(options.fronts.trustUsers == ["a", "b"])
        #expect(options.fronts.appRootAllow == ["/srv", "/home"])
        #expect(options.users.allowedUsers == ["joe", "jane", "jim"])
    }

    @Test func `values are read with their units`() throws {
        let options = try parse(
            "--socket-mode=0600",
            "--pool-idle-time=2m",
            "--shutdown-timeout=500ms",
            "--log-level=7",
            "--min-uid=1000",
            "--ownership-check=warn",
            "--no-user-switching"
        )
        #expect(options.process.socketMode == 0o600)
        #expect(options.pool.poolIdleTime == .seconds(120))
        #expect(options.process.shutdownTimeout == .milliseconds(500))
        #expect(options.process.logLevel.number == 7)
        #expect(options.users.minUID == 1000)
        #expect(options.users.ownershipCheck == .warn)
        #expect(!options.users.userSwitching)
    }

    @Test(arguments: [
        "--frobnicate", "--max-pool-size=0", "--max-pool-size=many", "--log-level=8", "--socket-mode=0999",
        "--ownership-check=lax", "--pool-idle-time=soon", "--min-uid=0", "--daemonize",
    ])
    func `wrong usage is refused`(argument: String) {
        #expect(throws: (any Error).self) { try parse(argument) }
    }

    @Test func `a refusal says what would be right`() {
        let error = #expect(throws: (any Error).self) { try parse("--log-level=9") }
        #expect(error.map { DaemonCommand.fullMessage(for: $0) }?.contains("'9' must be from 0 to 7") == true)
    }

    @Test(arguments: ["--loaders-dir=/nonexistent", "--app-root-allow=srv", "--app-root-allow=/srv/../home"])
    func `directories that could never serve are refused`(argument: String) throws {
        let options = try parse(argument)
        #expect(throws: StartProblem.self) { try options.checkPaths() }
    }

    @Test func `help explains every flag and the scale of the log`() {
        let help = DaemonCommand.helpMessage(columns: 100)
        for flag in [
            "--socket-file", "--daemonize", "--log-file", "--pid-file", "--log-level", "--max-pool-size",
            "--pool-idle-time", "--no-user-switching", "--default-user", "--default-group", "--min-uid",
            "--allowed-users", "--ownership-check", "--front-user", "--trust-user", "--app-root-allow", "--socket-mode",
            "--socket-user", "--socket-group", "--socket-backlog", "--instance-registry-dir", "--stat-throttle-rate",
            "--max-instances-per-app", "--shutdown-timeout", "--loaders-dir", "--app-file-descriptor-ulimit",
            "--disable-log-prefix", "--memory-max", "--pids-max", "--core-dumps", "--no-handover", "--version",
            "--oobw-limit", "--oobw-timeout",
        ] {
            #expect(help.contains(flag), "\(flag)")
        }
        #expect(help.contains("Passenger 4"))
        #expect(!help.contains("--core "))
    }
}
