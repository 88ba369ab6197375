// SPDX-License-Identifier: MIT

import NIOCore

/// Reads the fields of one payload; every read is checked against its end.
struct PayloadReader {
    let type: UInt8
    private var bytes: ByteBuffer

    init(_ frame: Frame) {
        self.type = frame.type
        self.bytes = frame.payload
    }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(WireError) -> Value {
        guard let value = self.bytes.readInteger(as: Value.self) else { throw .truncated(type: self.type) }
        return value
    }

    /// An identifier.
    mutating func number<Number: WireNumber>(_: Number.Type = Number.self) throws(WireError) -> Number {
        Number(rawValue: try self.integer())
    }

    /// A byte that is 0 or 1.
    mutating func flag(_ field: String) throws(WireError) -> Bool {
        switch try self.integer(UInt8.self) {
        case 0: false
        case 1: true
        case let value: throw self.invalid(field, UInt64(value))
        }
    }

    /// One of the values of an enumeration.
    mutating func choice<Value: RawRepresentable<UInt8>>(_ field: String) throws(WireError) -> Value {
        let raw = try self.integer(UInt8.self)
        guard let value = Value(rawValue: raw) else { throw self.invalid(field, UInt64(raw)) }
        return value
    }

    mutating func text(limit: Int, _ field: String) throws(WireError) -> String {
        let length = try self.integer(UInt32.self)
        guard length <= limit else {
            throw .tooMany(type: self.type, field: "bytes of \(field)", count: UInt64(length), limit: UInt64(limit))
        }
        guard let count = Int(exactly: length), count <= self.bytes.readableBytes else {
            throw .truncated(type: self.type)
        }
        let text: String?
        do {
            text = try self.bytes.readUTF8ValidatedString(length: count)
        } catch {
            throw .invalidText(type: self.type)
        }
        guard let text else { throw .truncated(type: self.type) }
        return text
    }

    mutating func optional<Value>(
        _ field: String,
        _ read: (inout PayloadReader) throws(WireError) -> Value
    ) throws(WireError) -> Value? {
        guard try self.flag(field) else { return nil }
        return try read(&self)
    }

    /// A list with its count; the count is checked before anything is allocated for it.
    mutating func list<Value>(
        limit: Int,
        _ field: String,
        smallest: Int,
        _ read: (inout PayloadReader) throws(WireError) -> Value
    ) throws(WireError) -> [Value] {
        let count = try self.integer(UInt32.self)
        guard count <= limit else {
            throw .tooMany(type: self.type, field: field, count: UInt64(count), limit: UInt64(limit))
        }
        guard Int(count) * smallest <= self.bytes.readableBytes else { throw .truncated(type: self.type) }
        var values: [Value] = []
        values.reserveCapacity(Int(count))
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    /// A list of identifiers with its count.
    mutating func numbers<Number: WireNumber>(limit: Int, _ field: String) throws(WireError) -> [Number] {
        let size = MemoryLayout<Number.RawValue>.size
        return try self.list(limit: limit, field, smallest: size) { reader throws(WireError) in try reader.number() }
    }

    /// Everything that is left.
    mutating func rest() -> ByteBuffer {
        defer { self.bytes.moveReaderIndex(to: self.bytes.writerIndex) }
        return self.bytes.slice()
    }

    /// Everything that is left, at most `limit` bytes.
    mutating func rest(limit: Int, _ field: String) throws(WireError) -> ByteBuffer {
        let count = self.bytes.readableBytes
        guard count <= limit else {
            throw .tooMany(type: self.type, field: "bytes of \(field)", count: UInt64(count), limit: UInt64(limit))
        }
        return self.rest()
    }

    /// Whether the optional fields at the end were left out.
    var isAtEnd: Bool { self.bytes.readableBytes == 0 }

    /// Nothing may be left behind the last field.
    func finish() throws(WireError) {
        guard self.bytes.readableBytes == 0 else {
            throw .trailingBytes(type: self.type, count: self.bytes.readableBytes)
        }
    }

    func invalid(_ field: String, _ value: UInt64) -> WireError {
        .invalidValue(type: self.type, field: field, value: value)
    }
}
