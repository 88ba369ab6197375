// SPDX-License-Identifier: MIT

import AppSettings
import Logging
import NIOCore
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

struct ManifestLinkTests {
    private func content(_ token: UInt64) -> ManifestLink.Content {
        ManifestLink.Content(
            workerUID: 33,
            workerToken: WorkerToken(high: 0, low: token),
            apps: [
                ManifestApp(
                    groupName: "/a",
                    settings: SettingsList([.init(name: "app_root", value: "/a")]),
                    preStart: false
                )
            ]
        )
    }

    private func manifest(_ message: FrontMessage) -> (generation: UInt64, token: UInt64)? {
        guard case .manifest(let manifest) = message else { return nil }
        return (manifest.generation, manifest.workerToken.low)
    }

    @Test func `the newest manifest is one above the daemon's, those of draining workers follow`() throws {
        let daemon = try FakeDaemon()
        let loop = try SocketLoop { error in fatalError("\(error)") }
        defer { loop.shutdownGracefully { _ in } }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let quiet = logger
        let path = daemon.path
        let (first, second) = (content(1), content(2))
        let link = try loop.submit {
            let presence = DaemonPresence(socketPath: path, logger: quiet)
            let link = ManifestLink(
                eventLoop: loop,
                socketPath: path,
                frontName: "front",
                presence: presence,
                logger: quiet
            )
            link.announce(first)
            link.start()
            return NIOLoopBound(link, eventLoop: loop)
        }
        .wait()
        do {
            let connection = try daemon.greet(highestGeneration: 41)
            #expect(try manifest(connection.next()) ?? (0, 0) == (42, 1))
            try loop.submit { link.value.announce(second) }.wait()
            #expect(try manifest(connection.next()) ?? (0, 0) == (43, 2))
            #expect(try manifest(connection.next()) ?? (0, 0) == (42, 1))
        }
        // A new core knows nothing.
        let connection = try daemon.greet()
        #expect(try manifest(connection.next()) ?? (0, 0) == (44, 2))
        #expect(try manifest(connection.next()) ?? (0, 0) == (42, 1))
    }
}

struct ManifestLedgerTests {
    private func content(_ token: UInt64) -> ManifestLink.Content {
        ManifestLink.Content(workerUID: 33, workerToken: WorkerToken(high: 0, low: token), apps: [])
    }

    @Test func `older manifests always have lower generations`() {
        var ledger = ManifestLedger()
        ledger.announce(content(1))
        ledger.connected(highestKnown: 10)
        ledger.announce(content(2))
        ledger.connected(highestKnown: 0)
        ledger.announce(content(3))
        ledger.connected(highestKnown: 13)
        #expect(ledger.entries.map(\.content.workerToken.low) == [3, 2, 1])
        let generations = ledger.entries.map(\.generation)
        #expect(generations == generations.sorted(by: >))
        #expect(generations.first == 15)
    }

    @Test func `a worker that ended is forgotten, the newest one stays`() {
        var ledger = ManifestLedger()
        ledger.announce(content(1))
        ledger.announce(content(2))
        ledger.forget(content(1).workerToken)
        ledger.forget(content(2).workerToken)
        #expect(ledger.entries.map(\.content.workerToken.low) == [2])
        ledger.announce(content(3))
        #expect(ledger.entries.map(\.content.workerToken.low) == [3])
    }

    @Test func `a worker that serves on after a failed reload has one manifest, the newest`() {
        var ledger = ManifestLedger()
        ledger.announce(content(1))
        ledger.announce(content(2))
        ledger.forget(content(2).workerToken)
        ledger.announce(content(1))
        #expect(ledger.entries.map(\.content.workerToken.low) == [1])
        #expect(ledger.entries.first?.generation == 3)
    }

    @Test func `a daemon's knowledge counts before the first worker as well`() {
        var ledger = ManifestLedger()
        ledger.connected(highestKnown: 7)
        ledger.announce(content(1))
        #expect(ledger.entries.first?.generation == 8)
    }
}
