// SPDX-License-Identifier: MIT

import AppSettings
import Testing
import WireProtocol

@testable import Supervisor

struct AppProcessFactsTests {
    private static func facts(
        name: String = "/srv/app",
        tenant: UInt32? = nil,
        leaf: String? = nil,
        service: AppProcessFacts.Service? = nil
    ) -> AppProcessFacts {
        AppProcessFacts(
            id: ProcessID(rawValue: .max),
            pid: 4711,
            startTime: 123_456_789,
            group: GroupKey(namespace: tenant.map { .uid($0) } ?? .authority, name: name),
            generation: 3,
            appType: .classicRails,
            uid: 1001,
            gid: .max,
            userName: "joe \\ \n\r smith",
            socketPath: "/run/fp/apps/a b.sock",
            leaf: leaf,
            service: service
        )
    }

    private static let all = [
        facts(),
        facts(
            name: "app\u{301} of\r\n\u{600} many words",
            tenant: 0,
            leaf: "/sys/fs/cgroup/a/b",
            service: .init(transport: .framedSession, address: .unix(path: "/run/x\n"), concurrency: 1)
        ),
        facts(
            name: "",
            tenant: .max,
            service: .init(
                transport: .httpOneShot,
                address: .tcp(host: "::1", port: .max, owner: .max),
                concurrency: .max
            )
        ),
    ]

    @Test(arguments: all)
    func `what is written is read again, byte for byte`(facts: AppProcessFacts) throws {
        let again = try #require(AppProcessFacts(text: Array(facts.text.utf8)))
        #expect(again == facts)
        #expect(again.group.name.utf8.elementsEqual(facts.group.name.utf8))
        #expect(again.text == facts.text)
    }

    @Test(arguments: all)
    func `what is cut, or lacks a line, is no process`(facts: AppProcessFacts) {
        let bytes = Array(facts.text.utf8)
        for end in bytes.indices where end == 0 || bytes[end - 1] != UInt8(ascii: "\n") {
            #expect(AppProcessFacts(text: bytes[..<end]) == nil)
        }
        let lines = facts.text.split(separator: "\n", omittingEmptySubsequences: true)
        for name in ["id", "pid", "start", "generation", "type", "uid", "gid", "user", "group", "socket"] {
            let left = lines.filter { !$0.utf8.starts(with: "\(name) ".utf8) }.joined(separator: "\n") + "\n"
            #expect(AppProcessFacts(text: Array(left.utf8)) == nil, "without \(name)")
        }
    }

    @Test(arguments: [
        ("pid 4711", "pid 1"), ("pid 4711", "pid -4711"), ("pid 4711", "pid 99999999999"), ("uid 1001", "uid joe"),
        ("type classic-rails", "type cobol"), ("generation 3", "generation 3\ngeneration 4"), ("gid ", "gid"),
        ("flying-passenger-process 1", "flying-passenger-process 2"), ("generation 3", "generation 3\ntenant -1"),
        ("generation 3", "generation 3\ntransport 9\nconcurrency 1\nunix /x"),
        ("generation 3", "generation 3\ntransport 0\nconcurrency -1\nunix /x"),
        ("generation 3", "generation 3\ntransport 0\nconcurrency 1"),
        ("generation 3", "generation 3\ntransport 0\nconcurrency 1\nhost ::1\nport 65536"),
    ])
    func `what cannot be is not read`(old: String, new: String) throws {
        let text = Self.facts().text
        let range = try #require(text.firstRange(of: old))
        #expect(AppProcessFacts(text: Array(text.replacingCharacters(in: range, with: new).utf8)) == nil)
    }

    @Test func `lines of newer daemons are passed over`() {
        let text = Self.facts().text + "colour green\n"
        #expect(AppProcessFacts(text: Array(text.utf8)) == Self.facts())
    }

    @Test func `random bytes are no process`() {
        var generator = SystemRandomNumberGenerator()
        let whole = Array(Self.all[1].text.utf8)
        for _ in 0..<2_000 {
            var bytes = whole
            bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            // It may still be one; it must not trap.
            _ = AppProcessFacts(text: bytes)
        }
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with new: String) -> String {
        String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
    }
}
