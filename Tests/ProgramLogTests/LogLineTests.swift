// SPDX-License-Identifier: MIT

import Logging
import Testing

@testable import ProgramLog

@Suite struct LogLineTests {
    private func line(_ severity: Severity, _ message: String, _ metadata: Logger.Metadata = [:]) -> String {
        LogLine.text(
            severity: severity,
            time: "2030-01-31T18:05:09.095339",
            pid: 4700,
            message: message,
            metadata: metadata
        )
    }

    @Test func `a line has the form of Ruby's Logger`() {
        #expect(
            line(.info, "Welcome to Flying Passenger 1.2.0")
                == "I, [2030-01-31T18:05:09.095339 #4700]  INFO -- : Welcome to Flying Passenger 1.2.0"
        )
    }

    @Test(arguments: [
        (Severity.fatal, "F, [2030-01-31T18:05:09.095339 #4700] FATAL -- : x"),
        (.error, "E, [2030-01-31T18:05:09.095339 #4700] ERROR -- : x"),
        (.warning, "W, [2030-01-31T18:05:09.095339 #4700]  WARN -- : x"),
        (.debug, "D, [2030-01-31T18:05:09.095339 #4700] DEBUG -- : x"),
    ])
    func `severities are right-aligned to five columns`(severity: Severity, expected: String) {
        #expect(line(severity, "x") == expected)
    }

    @Test func `metadata follows the message in the order of its keys`() {
        let text = line(.info, "process spawned", ["pid": "17", "group": "/srv/shop", "count": .stringConvertible(3)])
        #expect(text.hasSuffix(" -- : process spawned count=3 group=/srv/shop pid=17"))
    }

    @Test func `what to do stands right behind the reason`() {
        let text = line(.error, "x", ["remedy": "chmod g-w /d", "refused": "1", "reason": "it is open", "app": "/d"])
        #expect(text.hasSuffix(" -- : x app=/d reason=\"it is open\" remedy=\"chmod g-w /d\" refused=1"))
    }

    @Test(arguments: [
        ("plain", "plain"),
        ("", "\"\""),
        ("two words", "\"two words\""),
        ("a=b", "\"a=b\""),
        ("say \"hi\"", "\"say \\\"hi\\\"\""),
        ("back\\slash", "\"back\\\\slash\""),
        ("line\nfeed\r\t", "\"line\\nfeed\\r\\t\""),
        ("\u{1B}[2J\u{7F}\u{2028}", "\"\\x1b[2J\\x7f\\u{2028}\""),
        ("größe", "größe"),
    ])
    func `values that are not one plain word are quoted`(value: String, expected: String) {
        #expect(LogLine.quotedIfNeeded(value) == expected)
    }

    @Test func `a message cannot forge a second line`() {
        #expect(line(.info, "one\nF, [two").hasSuffix(" -- : one\\nF, [two"))
    }

    @Test func `nested values are written in one word order`() {
        let text = line(.info, "x", ["list": ["a", "b"], "map": ["z": "1", "a": "2"]])
        #expect(text.hasSuffix(" -- : x list=\"[a, b]\" map=\"{a: 2, z: 1}\""))
    }
}
