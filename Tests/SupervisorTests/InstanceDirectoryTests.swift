// SPDX-License-Identifier: MIT

import LinuxSystem
import Logging
import Testing
import WireProtocol

@testable import Supervisor

@Suite struct InstanceDirectoryTests {
    private func withRegistry(_ body: (String) throws -> Void) throws {
        let directory = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "fp-instances-")
        defer { try? Files.removeTree(directory) }
        try body(directory)
    }

    private func registry(_ path: String, owner: UInt32? = CurrentProcess.effectiveUID) -> Registry {
        Registry(
            place: .init(path: path, owner: owner),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test func `a new directory is open to all but for what belongs to the daemon alone`() throws {
        try withRegistry { registry in
            let held = try InstanceDirectory.create(in: registry)
            #expect(held.directory.name.utf8.count == 7)
            #expect(held.directory.path == registry + "/passenger." + held.directory.name)
            #expect(try FileStatus(path: held.directory.path).mode == 0o755)
            #expect(try FileStatus(path: held.directory.appsPath).mode == 0o700)
            #expect(try FileStatus(path: held.directory.processesPath).mode == 0o700)
            #expect(try FileStatus(path: held.directory.failuresPath).mode == 0o700)
        }
    }

    @Test func `directories of dead daemons are removed, those of living ones stay`() throws {
        try withRegistry { path in
            let living = try InstanceDirectory.create(in: path)
            let dead: InstanceDirectory
            do { dead = try InstanceDirectory.create(in: path).directory }
            try Files.makeDirectory(path + "/other")
            var swept: [String] = []
            registry(path).removeLeftovers { swept.append($0.path) }
            #expect(swept == [dead.path])
            #expect(try Files.list(path) == ["other", "passenger." + living.directory.name])
        }
    }

    @Test func `a missing registry is made, with its parents`() throws {
        try withRegistry { path in
            try registry(path + "/a/b").prepare()
            #expect(try FileStatus(path: path + "/a/b").mode == 0o755)
        }
    }

    @Test func `a registry that others could fill is refused`() throws {
        try withRegistry { path in
            try Files.setMode(path, 0o777)
            let problem = #expect(throws: StartProblem.self) { try registry(path).prepare() }
            #expect(problem?.description.contains("must belong to uid") == true)
            try registry(path, owner: nil).prepare()
            try Files.setMode(path, 0o755)
            #expect(throws: StartProblem.self) { try registry(path, owner: 4_000_000).prepare() }
        }
    }

    @Test func `a registry whose path leaves no room for sockets is refused`() {
        let path = "/tmp/" + String(repeating: "x", count: 58)
        let problem = #expect(throws: StartProblem.self) { try registry(path).prepare() }
        #expect(problem?.description.contains("is 63 bytes long; sockets in it allow 62 at most") == true)
        #expect(!Files.exists(path))
    }

    @Test func `a registry behind a link is refused`() throws {
        try withRegistry { path in
            try Files.makeDirectory(path + "/real")
            try Files.makeLink(at: path + "/link", to: "real")
            #expect(throws: StartProblem.self) { try registry(path + "/link").prepare() }
        }
    }
}
