// SPDX-License-Identifier: MIT

import Testing

@testable import WireProtocol

@Suite struct InstanceRecordTests {
    @Test func `a record survives its JSON`() throws {
        let record = InstanceRecord(
            name: "Ab3dE5g",
            pid: 4700,
            processStartTime: 99,
            uid: 0,
            version: "1.2.0",
            socketPath: "/run/fp.sock",
            startedAt: 1
        )
        #expect(InstanceRecord(json: try record.json()) == record)
        #expect(InstanceRecord(json: Array("{}".utf8)) == nil)
    }

    private func search(_ option: String? = nil, uid: UInt32, _ environment: [String: String] = [:]) -> [String] {
        InstanceRegistry.searchPlaces(option: option, uid: uid) { environment[$0] }
            .map { "\($0.path) \($0.owner.map(String.init) ?? "any")" }
    }

    @Test func `tools search three places`() {
        #expect(search(uid: 0) == ["/run/flying-passenger 0", "/tmp/flying-passenger-0 0"])
        #expect(
            search(uid: 1000, ["XDG_RUNTIME_DIR": "/run/user/1000"]) == [
                "/run/flying-passenger 0", "/run/user/1000/flying-passenger 1000", "/tmp/flying-passenger-1000 1000",
            ]
        )
    }

    @Test func `a directory that was named is the only one`() {
        let environment = [InstanceRegistry.environmentVariable: "/env"]
        #expect(search("/option", uid: 0, environment) == ["/option any"])
        #expect(search(uid: 0, environment) == ["/env any"])
        #expect(search(uid: 0, [InstanceRegistry.environmentVariable: ""]).count == 2)
    }

    @Test(arguments: [
        (UInt32(0), [:], "/run/flying-passenger"),
        (0, ["XDG_RUNTIME_DIR": "/run/user/0"], "/run/flying-passenger"),
        (1000, [:], "/tmp/flying-passenger-1000"),
        (1000, ["XDG_RUNTIME_DIR": "/run/user/1000"], "/run/user/1000/flying-passenger"),
        (1000, ["XDG_RUNTIME_DIR": "relative"], "/tmp/flying-passenger-1000"),
    ])
    func `a daemon takes the place that fits its user`(uid: UInt32, environment: [String: String], path: String) {
        #expect(InstanceRegistry.place(option: nil, uid: uid) { environment[$0] }.path == path)
    }
}
