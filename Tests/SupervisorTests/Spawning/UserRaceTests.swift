// SPDX-License-Identifier: MIT

import LinuxSystem
import SpawnPlan
import Synchronization
import TestSupport
import Testing

@testable import Supervisor

@Suite(
    .enabled(if: Machine.isRoot && Machine.appUsers.count > 1 && Machine.has("python3"), "needs root and other users")
)
struct UserRaceTests {
    @Test func `code of one user never runs as another while current is flipped between their trees`() throws {
        let bench = try SpawnBench()
        let users = Array(Machine.appUsers.prefix(2))
        for user in users {
            let app = """
                def application(environ, start_response):
                    start_response('200 OK', [])
                    return [b'\(user.uid)']
                """
            try bench.directory.write(app, to: "\(user.name)/passenger_wsgi.py")
            try TestDirectory.give(bench.directory.file(user.name), to: user)
        }
        let current = bench.directory.file("current")
        try Files.makeLink(at: current, to: users[0].name)
        let flipper = try Flipper(current, between: users.map(\.name))
        defer { flipper.stop() }
        var seen: Set<UInt32> = []
        for _ in 0..<40 {
            switch try bench.spawn([("app_root", current)]) {
            case .success(let process):
                let client = try AppClient(process.address)
                try client.request("GET", "/")
                #expect(try client.answer().body == String(process.uid))
                #expect(ProcInfo.uid(of: process.pid) == process.uid)
                seen.insert(process.uid)
                process.process.kill()
            case .failure(let failure):
                // The tree changed between two looks: refused, never mixed.
                #expect(failure.step == .workingDirectory || failure.step == .prepare)
            }
        }
        #expect(seen.isSubset(of: Set(users.map(\.uid))) && !seen.isEmpty)
    }

    @Test func `a link to another user's file gives nothing but its maker's user`() throws {
        let bench = try SpawnBench()
        let (owner, maker) = (Machine.appUsers[0], Machine.appUsers[1])
        let app = "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'x']\n"
        try bench.directory.write(app, to: "secret/passenger_wsgi.py")
        try TestDirectory.give(bench.directory.file("secret"), to: owner)
        try Files.makeLink(
            at: "\(bench.appRoot)/passenger_wsgi.py",
            to: bench.directory.file("secret/passenger_wsgi.py")
        )
        try bench.give(to: maker)
        #expect(try bench.start().uid == maker.uid)
    }
}

/// Turns a link between two targets, as fast as it can, on a thread of its own.
private final class Flipper: Sendable {
    private let isStopped = Mutex(false)
    private let thread = Mutex<OSThread?>(nil)

    init(_ link: String, between targets: [String]) throws {
        let thread = try OSThread.start(name: "flipper") {
            var turn = 0
            while !self.isStopped.withLock({ $0 }) {
                turn += 1
                // Only fails when the directory is being removed.
                try? Files.makeLink(at: link + ".new", to: targets[turn % targets.count])
                try? Files.rename(link + ".new", to: link)
            }
        }
        self.thread.withLock { $0 = thread }
    }

    func stop() {
        self.isStopped.withLock { $0 = true }
        self.thread.withLock { $0 }?.join()
    }
}
