// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import WireProtocol

@testable import AdminTools

@Suite struct InstanceSearchTests {
    private func withRegistry(_ body: (String) throws -> Void) throws {
        let directory = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "fp-registry-")
        defer { try? Files.removeTree(directory) }
        try body(directory)
    }

    /// An instance directory of this process.
    private func add(
        _ name: String,
        to registry: String,
        startTime: UInt64? = nil,
        uid: UInt32 = CurrentProcess.effectiveUID
    ) throws {
        let pid = CurrentProcess.pid
        let directory = registry + "/passenger." + name
        try Files.makeDirectory(directory)
        let record = InstanceRecord(
            name: name,
            pid: pid,
            processStartTime: startTime ?? ProcInfo(pid: pid)?.startTime ?? 0,
            uid: uid,
            version: "0.1.0",
            socketPath: "/run/fp.sock",
            startedAt: 0
        )
        try Files.write(try record.json(), to: directory + "/" + InstanceRecord.fileName)
    }

    private func names(_ registry: String, owner: UInt32? = CurrentProcess.effectiveUID) -> [String] {
        InstanceSearch(places: [.init(path: registry, owner: owner)]).run().map(\.record.name)
    }

    @Test func `living instances are found`() throws {
        try withRegistry { registry in
            try add("one", to: registry)
            try add("two", to: registry)
            #expect(names(registry) == ["one", "two"])
            #expect(names(registry, owner: nil) == ["one", "two"])
        }
    }

    @Test func `instances of dead processes, of other users and without record are passed over`() throws {
        try withRegistry { registry in
            try add("dead", to: registry, startTime: 1)
            try add("alien", to: registry, uid: 4_000_000)
            try Files.makeDirectory(registry + "/passenger.empty")
            try Files.makeDirectory(registry + "/passenger.garbage")
            try Files.write(Array("{".utf8), to: registry + "/passenger.garbage/" + InstanceRecord.fileName)
            try Files.makeDirectory(registry + "/other")
            #expect(names(registry).isEmpty)
        }
    }

    @Test func `a registry of another owner or one that others may write to is not believed`() throws {
        try withRegistry { registry in
            try add("one", to: registry)
            #expect(names(registry, owner: 4_000_000).isEmpty)
            try Files.setMode(registry, 0o777)
            #expect(names(registry).isEmpty)
            #expect(names(registry, owner: nil).isEmpty)
            try Files.setMode(registry, 0o1777)
            #expect(names(registry, owner: nil) == ["one"])
        }
    }

    @Test func `a registry behind a link is not believed unless it was named`() throws {
        try withRegistry { registry in
            try Files.makeDirectory(registry + "/real")
            try add("one", to: registry + "/real")
            try Files.makeLink(at: registry + "/link", to: "real")
            #expect(names(registry + "/link").isEmpty)
            #expect(names(registry + "/link", owner: nil) == ["one"])
        }
    }

    @Test func `a registry that does not exist holds nothing`() {
        #expect(names("/nonexistent/registry").isEmpty)
    }
}
