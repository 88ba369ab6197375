// SPDX-License-Identifier: MIT

/// Values as people write them in settings, config directives and flags.
package enum ValueParsers {
    /// `on` or `off`; flags of the command line also say `true`, `yes`, `1` and their opposites.
    package static func flag(_ text: String) throws(ValueError) -> Bool {
        switch text.lowercased() {
        case "on", "true", "yes", "1": true
        case "off", "false", "no", "0": false
        default: throw ValueError("must be \"on\" or \"off\"")
        }
    }

    /// A whole number within bounds.
    package static func integer(_ text: String, in bounds: ClosedRange<Int>) throws(ValueError) -> Int {
        guard let value = Int(text), text.utf8.first != UInt8(ascii: "+") else {
            throw ValueError("is not a whole number")
        }
        guard bounds.contains(value) else {
            guard bounds.upperBound < Int.max else { throw ValueError("must be at least \(bounds.lowerBound)") }
            throw ValueError("must be from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return value
    }

    /// Bytes, with an optional `k`, `m` or `g` (1024, 1024², 1024³), in either case.
    package static func size(_ text: String) throws(ValueError) -> Int {
        var digits = text[...]
        var shift = 0
        switch digits.utf8.last {
        case UInt8(ascii: "k"), UInt8(ascii: "K"): shift = 10
        case UInt8(ascii: "m"), UInt8(ascii: "M"): shift = 20
        case UInt8(ascii: "g"), UInt8(ascii: "G"): shift = 30
        default: break
        }
        if shift > 0 { digits.removeLast() }
        guard let number = wholeNumber(digits.utf8) else {
            throw ValueError("is not a size such as 8192, 128k, 10m or 1g")
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { throw ValueError("is too large") }
        return bytes
    }

    /// A time: a bare number of seconds, or numbers with `ms`, `s`, `m`, `h`, `d`, `w`, also combined (`1h30m`).
    package static func duration(_ text: String) throws(ValueError) -> Duration {
        let malformed = ValueError("is not a time such as 30, 500ms, 10s, 5m, 1h30m or 2d")
        var rest = text.utf8[...]
        guard !rest.isEmpty else { throw malformed }
        var total = 0
        while !rest.isEmpty {
            let digits = rest.prefix { isDigit($0) }
            guard let number = wholeNumber(digits) else { throw malformed }
            rest = rest.dropFirst(digits.count)
            while rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
            let unit = rest.prefix { !isDigit($0) && $0 != UInt8(ascii: " ") }
            rest = rest.dropFirst(unit.count)
            while rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
            guard let scale = milliseconds(perUnit: String(Substring(unit))) else { throw malformed }
            let (product, overflow) = number.multipliedReportingOverflow(by: scale)
            let (sum, overflow2) = total.addingReportingOverflow(product)
            guard !overflow, !overflow2, sum <= maxMilliseconds else { throw ValueError("is too long") }
            total = sum
        }
        return .milliseconds(total)
    }

    /// A hundred years: everything longer is a slip, and no sum with a clock can overflow.
    private static let maxMilliseconds = 100 * 366 * 86_400_000

    private static func milliseconds(perUnit unit: String) -> Int? {
        switch unit {
        case "ms": 1
        case "", "s": 1_000
        case "m": 60_000
        case "h": 3_600_000
        case "d": 86_400_000
        case "w": 604_800_000
        default: nil
        }
    }

    private static func wholeNumber(_ digits: some Sequence<UInt8>) -> Int? {
        var value = 0
        var isEmpty = true
        for digit in digits {
            guard isDigit(digit) else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = shifted.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
            guard !overflow, !overflow2 else { return nil }
            value = sum
            isEmpty = false
        }
        return isEmpty ? nil : value
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
