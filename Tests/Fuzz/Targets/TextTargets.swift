// SPDX-License-Identifier: MIT

import AdminTools
import Logging
import ProgramLog
import ShownText
import WireProtocol

/// Text of others where people read it.
enum TextTargets {
    /// A line of the log stays one line that no terminal obeys, whatever is told in it.
    static func logLine(_ bytes: UnsafeRawBufferPointer) throws {
        let (first, second) = bytes.parts
        let line = LogLine.text(
            severity: .error,
            time: "2030-01-31T18:05:09.095339",
            pid: 1,
            message: String(decoding: first, as: UTF8.self),
            metadata: [
                "value": .string(String(decoding: second, as: UTF8.self)),
                "list": .array([.string(String(decoding: first, as: UTF8.self))]),
            ]
        )
        try Self.requireVisible(line.unicodeScalars)
    }

    /// Text of others in each of its forms is visible characters and, where lines stay, line feeds.
    static func safeText(_ bytes: UnsafeRawBufferPointer) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        for shown in [SafeText.line(text), SafeText.quoted(text), SafeText.name(text)] + SafeText.lines(text) {
            try Self.requireVisible(shown.unicodeScalars)
        }
        try Self.requireVisible(SafeText.block(text).unicodeScalars.filter { $0 != "\n" && $0 != "\t" })
        var line: [UInt8] = []
        SafeText.appendOutputLine(bytes, to: &line)
        let output = String(decoding: line, as: UTF8.self)
        try require(Array(output.utf8) == line, "a line of output is no UTF-8")
        try Self.requireVisible(output.unicodeScalars.filter { $0 != "\n" && $0 != "\t" })
        try require(!line.dropLast().contains(0x0A) || bytes.contains(0x0A), "a line of output is two")
    }

    /// A report that was read is shown without anything that a terminal obeys.
    static func status(_ bytes: UnsafeRawBufferPointer) throws {
        // What is no report is refused by the tools in a sentence.
        guard let report = try? StatusReport(json: bytes) else { return }
        let texts = [
            PoolText(isVerbose: true, date: { "\($0)" }).render(report),
            PoolText(isVerbose: false, date: { "\($0)" }).render(report),
            RequestsText().render(report), ServerText().render(report),
            MemoryText(date: { "\($0)" }).render(
                MemoryStats(report, servers: [], trusting: [], families: [], look: { _ in nil }),
                at: report.time
            ),
        ]
        for text in texts { try Self.requireVisible(text.unicodeScalars.filter { $0 != "\n" }) }
    }

    static func requireVisible(_ text: some Sequence<Unicode.Scalar>) throws {
        for scalar in text {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029:
                throw FuzzFinding("U+\(String(scalar.value, radix: 16)) is shown")
            default: continue
            }
        }
    }
}
