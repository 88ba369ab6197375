// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// Renders lines of the access log.
///
/// The combined format, then the process that answered, the time in the app's queue, the time in the app, the host that
/// was asked for, and the error ID of a failure:
///
///     192.0.2.7 - - [31/Jan/2030:18:05:09 +0100] "GET /cart HTTP/1.1" 200 512 "-" "curl/8.0" 4711 0.000 0.012 "shop.example" -
///
/// What the client chose is escaped as nginx does it: `"`, `\` and everything outside of printable ASCII as `\xHH`.
/// Of a long text the beginning is there: otherwise one request could fill the disk like thousands.
enum AccessLogLine {
    /// Of one text that the client chose, escapes included.
    private static let maxFieldBytes = 2048
    private static let cutMark = "..."

    /// Appends the line of a request that ended in the second whose text is `time`.
    static func append(_ entry: AccessLogEntry, time: [UInt8], to line: inout [UInt8]) {
        line += entry.remoteAddress.utf8
        line += " - - [".utf8
        line += time
        line += "] \"".utf8
        appendEscaped(entry.requestLine, to: &line)
        line += "\" ".utf8
        appendNumber(entry.status, width: 3, to: &line)
        line.append(UInt8(ascii: " "))
        appendNumber(entry.bytesSent, to: &line)
        appendQuoted(entry.referer, to: &line)
        appendQuoted(entry.userAgent, to: &line)
        line.append(UInt8(ascii: " "))
        if let pid = entry.pid { appendNumber(Int(pid), to: &line) } else { line.append(UInt8(ascii: "-")) }
        appendTime(entry.queueTime, to: &line)
        appendTime(entry.appTime, to: &line)
        appendQuoted(entry.host, to: &line)
        line.append(UInt8(ascii: " "))
        line += (entry.errorID ?? "-").utf8
        line.append(UInt8(ascii: "\n"))
    }

    /// `31/Jan/2030:18:05:09 +0100`.
    static func time(_ time: LocalTime) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(26)
        appendNumber(time.day, width: 2, to: &text)
        text.append(UInt8(ascii: "/"))
        text += months[(time.month - 1) % 12].utf8
        text.append(UInt8(ascii: "/"))
        appendNumber(time.year, width: 4, to: &text)
        for part in [time.hour, time.minute, time.second] {
            text.append(UInt8(ascii: ":"))
            appendNumber(part, width: 2, to: &text)
        }
        let minutes = abs(time.zoneOffsetSeconds) / 60
        text.append(UInt8(ascii: " "))
        text.append(time.zoneOffsetSeconds < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        appendNumber(minutes / 60, width: 2, to: &text)
        appendNumber(minutes % 60, width: 2, to: &text)
        return text
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func appendQuoted(_ text: ByteBuffer?, to line: inout [UInt8]) {
        line += " \"".utf8
        if let text { appendEscaped(text, to: &line) } else { line.append(UInt8(ascii: "-")) }
        line.append(UInt8(ascii: "\""))
    }

    private static func appendEscaped(_ text: ByteBuffer, to line: inout [UInt8]) {
        text.withUnsafeReadableBytes { bytes in
            let limit = line.count + maxFieldBytes
            var clean = 0
            var index = 0
            while index < bytes.count, line.count + index - clean < limit {
                if needsEscape(bytes[index]) {
                    line += bytes[clean..<index]
                    line += [UInt8(ascii: "\\"), UInt8(ascii: "x"), hex(bytes[index] >> 4), hex(bytes[index] & 15)]
                    clean = index + 1
                }
                index += 1
            }
            line += bytes[clean..<index]
            if index < bytes.count { line += cutMark.utf8 }
        }
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func hex(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
    }

    private static func appendNumber(_ number: Int, width: Int = 1, to line: inout [UInt8]) {
        let start = line.count
        var rest = max(0, number)
        repeat {
            line.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0 || line.count - start < width
        line[start...].reverse()
    }

    /// Seconds with three decimals.
    private static func appendTime(_ time: TimeAmount?, to line: inout [UInt8]) {
        line.append(UInt8(ascii: " "))
        guard let time else { return line.append(UInt8(ascii: "-")) }
        let milliseconds = Int(time.nanoseconds / 1_000_000)
        appendNumber(milliseconds / 1_000, to: &line)
        line.append(UInt8(ascii: "."))
        appendNumber(milliseconds % 1_000, width: 3, to: &line)
    }
}
