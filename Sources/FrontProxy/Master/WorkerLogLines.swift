// SPDX-License-Identifier: MIT

/// Cuts what a worker writes to its standard error into lines.
///
/// A line that is too long ends at the limit; what follows up to its end is dropped. Empty lines say nothing.
struct WorkerLogLines {
    static let maxLine = 8 * 1024

    private var line: [UInt8] = []
    private var isTooLong = false

    /// The lines that end in `bytes`.
    mutating func append(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if let ended = takeRest() { lines.append(ended) }
            } else if line.count < Self.maxLine {
                line.append(byte)
            } else {
                isTooLong = true
            }
        }
        return lines
    }

    /// The line that has no end yet.
    mutating func takeRest() -> [UInt8]? {
        defer {
            line.removeAll(keepingCapacity: true)
            isTooLong = false
        }
        guard !line.isEmpty else { return nil }
        return isTooLong ? line + Array(" […]".utf8) : line
    }
}
