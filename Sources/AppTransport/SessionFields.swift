// SPDX-License-Identifier: MIT

import HTTPFraming

/// The fields of a request as `HTTP_*` variables, those of one name joined into one (RFC 3875 §4.1.18).
///
/// One look over the names tells whether any may be there twice; usually none is, and nothing is compared.
enum SessionFields {
    /// Up to so many fields each is compared with each, without a thing to allocate.
    private static let fewFields = 32

    static func write(
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ facts: borrowing RequestFacts,
        _ writer: inout HeadWriter
    ) {
        // The authority of an absolute target replaces `Host` (RFC 9112 §3.2.2).
        if let host = head.host {
            writer.write("HTTP_HOST\0")
            writer.write(bytes, host)
            writer.write(0)
        }
        // Of hop-by-hop fields, those of an upgrade concern the app too.
        if head.wantsUpgrade { writer.write("HTTP_CONNECTION\0Upgrade\0") }
        let fields = head.fields
        let repeated = FieldNames.possiblyRepeated(fields, bytes)
        let sameNames = repeated.isEmpty || fields.count <= Self.fewFields ? nil : Self.sameNames(fields, bytes)
        for index in fields.indices where Self.isPassed(fields[index], head, bytes, facts) {
            let field = fields[index]
            if repeated.mayContain(field, bytes) {
                Self.writeJoined(fields, index, sameNames, bytes, &writer)
            } else {
                Self.writeName(field, bytes, &writer)
                writer.write(bytes, field.value)
                writer.write(0)
            }
        }
    }

    private static func isPassed(
        _ field: HeaderField,
        _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ facts: borrowing RequestFacts
    ) -> Bool {
        switch field.known {
        // `X_Y` would be taken for `X-Y` (CVE-2015-7519), `Proxy` for a setting of the environment (CVE-2016-5385).
        case .internalName, .oddName, .proxy, .contentLength, .expect, .host: false
        case .upgrade: head.wantsUpgrade
        default:
            !ForwardedFields.isReplaced(field, facts, bytes)
                && !HopByHop.isDropped(field, nominated: head.nominatedNames, head.connection, bytes)
        }
    }

    /// Writes all fields that have the name of the one at `index`, unless an earlier one has done so.
    private static func writeJoined(
        _ fields: [HeaderField],
        _ index: Int,
        _ sameNames: SameNames?,
        _ bytes: UnsafeRawBufferPointer,
        _ writer: inout HeadWriter
    ) {
        let field = fields[index]
        if let sameNames {
            guard sameNames.isFirst(index) else { return }
        } else {
            for earlier in fields[..<index] where FieldNames.areSame(earlier, field, bytes) { return }
        }
        Self.writeName(field, bytes, &writer)
        writer.write(bytes, field.value)
        if let sameNames {
            var last = index
            while let next = sameNames.next(after: last) {
                Self.writeFurther(fields[next], bytes, &writer)
                last = next
            }
        } else {
            for later in fields[(index + 1)...] where FieldNames.areSame(later, field, bytes) {
                Self.writeFurther(later, bytes, &writer)
            }
        }
        writer.write(0)
    }

    private static func writeFurther(_ field: HeaderField, _ bytes: UnsafeRawBufferPointer, _ writer: inout HeadWriter)
    {
        // Crumbs of a cookie are no list (RFC 6265 §5.4).
        writer.write(field.known == .cookie ? "; " : ", ")
        writer.write(bytes, field.value)
    }

    private static func sameNames(_ fields: [HeaderField], _ bytes: UnsafeRawBufferPointer) -> SameNames {
        SameNames(count: fields.count) { FieldNames.compare(fields[$0], fields[$1], bytes) }
    }

    private static func writeName(_ field: HeaderField, _ bytes: UnsafeRawBufferPointer, _ writer: inout HeadWriter) {
        if field.known == .contentType { return writer.write("CONTENT_TYPE\0") }
        writer.write("HTTP_")
        for index in field.name {
            let byte = bytes[index]
            // Only letters, digits and dashes are left here.
            if byte > 0x40 {
                writer.write(byte & 0xDF)
            } else {
                writer.write(byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte)
            }
        }
        writer.write(0)
    }
}

/// A set of header names that may contain too many, never too few: one bit for each of 64 sorts of names.
struct FieldNames {
    private var bits: UInt64 = 0

    var isEmpty: Bool { self.bits == 0 }

    /// The names that more than one of `fields` may have.
    static func possiblyRepeated(_ fields: [HeaderField], _ bytes: UnsafeRawBufferPointer) -> FieldNames {
        var seen: UInt64 = 0
        var repeated = FieldNames()
        for field in fields {
            let bit = Self.bit(field, bytes)
            repeated.bits |= seen & bit
            seen |= bit
        }
        return repeated
    }

    @inline(__always)
    func mayContain(_ field: HeaderField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        self.bits != 0 && self.bits & Self.bit(field, bytes) != 0
    }

    /// Length and three letters tell the usual names apart, whatever their case.
    @inline(__always)
    private static func bit(_ field: HeaderField, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let name = field.name
        let first = UInt64(bytes[name.lowerBound] | 0x20)
        let middle = UInt64(bytes[name.lowerBound &+ name.count / 2] | 0x20)
        let last = UInt64(bytes[name.upperBound &- 1] | 0x20)
        let mixed = (UInt64(field.nameLength) &* 131 &+ first &* 31 &+ middle &* 17 &+ last) &* 0x9E37_79B9_7F4A_7C15
        return 1 &<< (mixed &>> 58)
    }

    /// Whether two names are equal without regard to case; both are letters, digits and dashes.
    static func areSame(_ one: HeaderField, _ other: HeaderField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard one.nameLength == other.nameLength, one.known == other.known else { return false }
        // What is known by name has one name, all else is compared.
        guard one.known == .other || one.known == .forwardedOther else { return true }
        return ByteClass.isSameName(bytes, one.name, other.name)
    }

    /// An order of names without regard to case: 0 if they are the same, below it if `one` is the earlier.
    static func compare(_ one: HeaderField, _ other: HeaderField, _ bytes: UnsafeRawBufferPointer) -> Int {
        guard one.nameLength == other.nameLength else { return Int(one.nameLength) - Int(other.nameLength) }
        let start = Int(one.nameStart)
        let otherStart = Int(other.nameStart)
        for offset in 0..<Int(one.nameLength) {
            let difference = Int(bytes[start &+ offset] & 0xDF) - Int(bytes[otherStart &+ offset] & 0xDF)
            if difference != 0 { return difference }
        }
        return 0
    }
}

/// Which of many things have the same name, found by sorting: to compare each with each costs their number's square.
struct SameNames {
    /// Of each thing the next of its name; of the last one itself.
    private let nexts: [Int]
    private let firsts: [Bool]

    /// `compare` gives 0 for things of one name, and a number below it if the first comes before the second.
    init(count: Int, compare: (Int, Int) -> Int) {
        let order = (0..<count).sorted { one, other in
            let difference = compare(one, other)
            return difference == 0 ? one < other : difference < 0
        }
        var nexts = Array(0..<count)
        var firsts = [Bool](repeating: true, count: count)
        for (one, other) in zip(order, order.dropFirst()) where compare(one, other) == 0 {
            nexts[one] = other
            firsts[other] = false
        }
        self.nexts = nexts
        self.firsts = firsts
    }

    func isFirst(_ index: Int) -> Bool { self.firsts[index] }

    func next(after index: Int) -> Int? { self.nexts[index] == index ? nil : self.nexts[index] }
}
