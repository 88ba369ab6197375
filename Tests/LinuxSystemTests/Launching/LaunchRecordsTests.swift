// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct LaunchRecordsTests {
    private static let head = "flying-passenger-exec 5\0"
    private static let whole =
        head + "step\0switch-user\u{0}12\0limit\0open files\u{0}10\u{0}20\0variable\0A=b=c\0variable\0EMPTY=\0"
        + "directory\u{0}9\u{0}5\u{0}448\0news\0failed\0program\u{0}13\0/x/y\0/x\0"
    private static let records: [LaunchRecord] = [
        .step("switch-user", at: 12), .limit(name: "open files", .init(soft: 10, hard: 20)),
        .variable(name: "A", value: "b=c"), .variable(name: "EMPTY", value: ""),
        .failed(
            LaunchFailure(
                step: .program,
                code: 13,
                subject: "/x/y",
                detail: "/x",
                directory: .init(owner: 9, ownerName: "news", group: 5, mode: 0o700)
            )
        ),
    ]

    @Test func `a report is records, however it is cut`() throws {
        let bytes = Array(Self.whole.utf8)
        for cut in 0...bytes.count {
            var reader = LaunchRecords()
            #expect(try reader.received(bytes[..<cut]) + reader.received(bytes[cut...]) == Self.records)
        }
        var reader = LaunchRecords()
        var records: [LaunchRecord] = []
        for byte in bytes { records += try reader.received([byte]) }
        #expect(records == Self.records)
    }

    @Test(arguments: [
        "", "program\u{0}2\0/no/such\0", "flying-passenger-exec 1\0", head + "nonsense\0", head + "step\0x\0y\0",
        head + "limit\0x\u{0}-1\u{0}2\0", head + "failed\0nonsense\u{0}2\0x\0\0", head + "failed\0program\0x\0y\0\0",
        head + "variable\0A=b\0\0",
    ])
    func `anything else is no report`(text: String) throws {
        var reader = LaunchRecords()
        let bytes = Array(text.utf8)
        if text.isEmpty {
            #expect(try reader.received(bytes) == [])
        } else {
            let failure = #expect(throws: LaunchFailure.self) { try reader.received(bytes) }
            #expect(failure?.step == .report)
        }
    }

    @Test func `a helper of another version is told apart`() {
        var reader = LaunchRecords()
        let failure = #expect(throws: LaunchFailure.self) { try reader.received(Array("plan\u{0}71\0x\0".utf8)) }
        #expect(failure?.subject == "flying-passenger-exec is of another version")
    }

    @Test func `a report without end is not kept`() throws {
        var reader = LaunchRecords()
        _ = try reader.received(Array(Self.head.utf8))
        let part = Array(repeating: UInt8(ascii: "x"), count: 64 * 1024)
        let failure = #expect(throws: LaunchFailure.self) {
            for _ in 0..<4 { _ = try reader.received(part) }
        }
        #expect(failure?.subject == "it is too long")
    }

    @Test func `paths stay what they are, and invalid text is repaired`() throws {
        var reader = LaunchRecords()
        let bytes = Array((Self.head + "failed\0program\u{0}2\0/a\nb\u{7F}\0").utf8) + [0xFF, 0]
        #expect(
            try reader.received(bytes)
                == [.failed(LaunchFailure(step: .program, code: 2, subject: "/a\nb\u{7F}", detail: "\u{FFFD}"))]
        )
    }

    @Test func `random bytes never get far`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var reader = LaunchRecords()
            _ = try reader.received(Array(Self.head.utf8))
            let bytes = (0..<300).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try? reader.received(bytes)
        }
    }
}
