// SPDX-License-Identifier: MIT

/// One thing that `flying-passenger-exec` says about a launch (`report.h`).
package enum LaunchRecord: Hashable, Sendable {
    /// A step begins; the moment is one of `MonotonicClock`.
    case step(String, at: UInt64)
    case limit(name: String, Limits.Limit)
    /// A variable of the final environment, cut when it is long.
    case variable(name: String, value: String)
    /// The last record; the helper is ending.
    case failed(LaunchFailure)

    /// Said right before the program is executed.
    package static let executeStep = "execute"
}

/// Reads what comes through the report pipe of a launch, in pieces of any size.
///
/// Once the process is its user, that user can end it, and with luck more: what comes is bounded and nothing but text, which is
/// made fit to be shown by whoever shows it: a path must stay the path that it is.
package struct LaunchRecords: Sendable {
    package static let maxBytes = 256 * 1024
    private static let formatName = LaunchPlan.formatName

    private var bytes: [UInt8] = []
    private var start = 0
    private var totalCount = 0
    private var fields: [String] = []
    private var hasFormat = false
    private var directory: LaunchFailure.DirectoryFacts?

    package init() {}

    /// The records that are whole by now; throws when it is no report.
    package mutating func received(_ more: some Collection<UInt8>) throws(LaunchFailure) -> [LaunchRecord] {
        totalCount += more.count
        guard totalCount <= Self.maxBytes else { throw Self.unreadable("it is too long") }
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
        var records: [LaunchRecord] = []
        while let end = bytes[start...].firstIndex(of: 0) {
            let field = String(decoding: bytes[start..<end], as: UTF8.self)
            start = end + 1
            if let record = try take(field) { records.append(record) }
        }
        return records
    }

    private mutating func take(_ field: String) throws(LaunchFailure) -> LaunchRecord? {
        guard hasFormat else {
            guard field == Self.formatName else { throw Self.unreadable("flying-passenger-exec is of another version") }
            hasFormat = true
            return nil
        }
        fields.append(field)
        guard let count = Self.valueCount(of: fields[0]) else {
            throw Self.unreadable("\"\(fields[0].prefix(40))\" is no record")
        }
        guard fields.count == count + 1 else { return nil }
        defer { fields.removeAll(keepingCapacity: true) }
        return try record(fields[0], fields.dropFirst())
    }

    private static func valueCount(of keyword: String) -> Int? {
        switch keyword {
        case "variable": 1
        case "step": 2
        case "limit": 3
        case "directory", "failed": 4
        default: nil
        }
    }

    private mutating func record(_ keyword: String, _ values: ArraySlice<String>) throws(LaunchFailure) -> LaunchRecord?
    {
        let values = Array(values)
        switch keyword {
        case "step":
            return .step(values[0], at: try Self.number(values[1]))
        case "limit":
            let limit = Limits.Limit(soft: try Self.number(values[1]), hard: try Self.number(values[2]))
            return .limit(name: values[0], limit)
        case "variable":
            let parts = values[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return .variable(name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : "")
        case "directory":
            directory = .init(
                owner: try Self.number(values[0]),
                ownerName: values[3],
                group: try Self.number(values[1]),
                mode: try Self.number(values[2])
            )
            return nil
        default: return .failed(try failure(values))
        }
    }

    private func failure(_ values: [String]) throws(LaunchFailure) -> LaunchFailure {
        guard let step = LaunchStep(rawValue: values[0]) else {
            throw Self.unreadable("\"\(values[0].prefix(40))\" is no step")
        }
        return LaunchFailure(
            step: step,
            code: try Self.number(values[1]),
            subject: values[2],
            detail: values[3],
            directory: directory
        )
    }

    private static func number<Number: FixedWidthInteger>(_ text: String) throws(LaunchFailure) -> Number {
        guard let number = Number(text) else { throw unreadable("\"\(text.prefix(40))\" is no number") }
        return number
    }

    private static func unreadable(_ why: String) -> LaunchFailure {
        LaunchFailure(step: .report, code: 0, subject: why)
    }
}
