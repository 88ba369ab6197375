// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import Testing

@testable import FrontProxy

struct AccessLogLineTests {
    private func entry(_ change: (inout AccessLogEntry) -> Void = { _ in }) -> AccessLogEntry {
        var entry = AccessLogEntry(
            remoteAddress: "192.0.2.7",
            requestLine: ByteBuffer(string: "GET /cart HTTP/1.1"),
            status: 200,
            bytesSent: 512,
            referer: nil,
            userAgent: ByteBuffer(string: "curl/8.0"),
            pid: 4711,
            queueTime: .microseconds(450),
            appTime: .milliseconds(1_012),
            totalTime: .milliseconds(1_020),
            host: ByteBuffer(string: "shop.example:80"),
            errorID: "0badcafe"
        )
        change(&entry)
        return entry
    }

    private func line(_ entry: AccessLogEntry) -> String {
        var line: [UInt8] = []
        AccessLogLine.append(entry, time: Array("T".utf8), to: &line)
        return String(decoding: line, as: UTF8.self)
    }

    @Test func `a line is combined format, pid, queue time, app time, host, error ID`() {
        let expected =
            "192.0.2.7 - - [T] \"GET /cart HTTP/1.1\" 200 512 \"-\" \"curl/8.0\" 4711 0.000 1.012 \"shop.example:80\" 0badcafe\n"
        #expect(line(entry()) == expected)
    }

    @Test func `what is not known is a dash`() {
        let bare = entry {
            $0.userAgent = nil
            $0.pid = nil
            $0.queueTime = nil
            $0.appTime = nil
            $0.host = nil
            $0.errorID = nil
            $0.status = 499
            $0.requestLine = ByteBuffer()
        }
        #expect(line(bare) == "192.0.2.7 - - [T] \"\" 499 512 \"-\" \"-\" - - - \"-\" -\n")
    }

    @Test(arguments: [UInt8(ascii: "a"), UInt8(ascii: "\"")])
    func `of a long text the beginning is there, with a mark`(_ byte: UInt8) {
        let long = entry { $0.requestLine = ByteBuffer(repeating: byte, count: 120_000) }
        let text =
            byte == UInt8(ascii: "a") ? String(repeating: "a", count: 2048) : String(repeating: #"\x22"#, count: 512)
        #expect(line(long).hasPrefix("192.0.2.7 - - [T] \"\(text)...\" 200 512 \"-\" "))
        let whole = entry { $0.userAgent = ByteBuffer(repeating: UInt8(ascii: "a"), count: 2048) }
        #expect(line(whole).contains("\"\(String(repeating: "a", count: 2048))\" 4711"))
        let all = entry {
            $0.referer = ByteBuffer(repeating: byte, count: 120_000)
            $0.userAgent = ByteBuffer(repeating: byte, count: 120_000)
            $0.host = ByteBuffer(repeating: byte, count: 120_000)
        }
        #expect(line(all).utf8.count < 3 * 2_100)
    }

    @Test func `what a client sent cannot forge a line`() {
        let evil = entry { $0.userAgent = ByteBuffer(bytes: Array("a\"b\\c\n\u{7F}é".utf8) + [0xFF]) }
        #expect(line(evil).contains(#""a\x22b\x5Cc\x0A\x7F\xC3\xA9\xFF""#))
        #expect(line(evil).filter { $0 == "\n" }.count == 1)
    }

    @Test func `the time is that of the combined format`() {
        let time = LocalTime(microseconds: 1_896_113_109_000_000, universal: true)
        #expect(String(decoding: AccessLogLine.time(time), as: UTF8.self) == "31/Jan/2030:18:05:09 +0000")
    }
}

struct AccessLogLossTests {
    @Test func `losses are reported at once, then every ten seconds with their sum`() {
        var loss = AccessLogLoss()
        #expect(loss.report(at: 0) == nil)
        loss.add(lines: 3, log: 0, reason: "full")
        #expect(loss.report(at: 0) == AccessLogLoss.Report(lines: 3, log: 0, reason: "full"))
        loss.add(lines: 2, log: 0, reason: "full")
        loss.add(lines: 5, log: 1, reason: "full")
        #expect(loss.report(at: 9_999) == nil)
        #expect(loss.report(at: 10_000) == AccessLogLoss.Report(lines: 7, log: 1, reason: "full"))
        #expect(loss.report(at: 30_000) == nil)
    }
}
