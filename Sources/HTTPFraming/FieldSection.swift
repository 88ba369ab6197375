// SPDX-License-Identifier: MIT

/// The field lines of a head, parsed line by line as bytes arrive; shared by requests and responses.
///
/// Strict (RFC 9112 §5): no whitespace before the colon, no folded lines, no bare CR or LF, no control characters.
/// Lines that are complete are parsed once; a line that is not is looked at again only when its line feed is there.
struct FieldSection {
    enum Progress: Equatable {
        case needMore
        /// The empty line was found; `position` is behind it.
        case complete
        case failed(FramingError)
    }

    static let maxFields = 1000

    private(set) var fields: [HeaderField] = []
    /// Offset of the first line that has not been parsed yet.
    var position = 0
    /// Bytes that are known to hold no line feed behind `position`.
    var searched = 0
    private(set) var connection = ConnectionOptions()
    /// What `Connection` fields name beside the usual options; almost always empty.
    private(set) var nominated: [Range<Int>] = []
    private(set) var contentLength = ContentLength.absent
    private(set) var transferCoding = TransferCoding.absent

    mutating func reset() {
        self.fields.removeAll(keepingCapacity: true)
        self.position = 0
        self.searched = 0
        self.connection = ConnectionOptions()
        if !self.nominated.isEmpty { self.nominated.removeAll(keepingCapacity: true) }
        self.contentLength = .absent
        self.transferCoding = .absent
    }

    /// True when the line at `position` is complete, or nothing is known about it yet.
    mutating func mayHoldLine(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard self.searched > self.position else { return true }
        if ByteClass.firstIndex(of: ByteClass.lineFeed, in: bytes, from: self.searched) != nil { return true }
        self.searched = bytes.count
        return false
    }

    mutating func advance(over bytes: UnsafeRawBufferPointer) -> Progress {
        guard self.mayHoldLine(bytes) else { return .needMore }
        while true {
            switch self.parseLine(bytes) {
            case .field: continue
            case .incomplete:
                self.searched = bytes.count
                return .needMore
            case .endOfSection: return .complete
            case .failed(let error): return .failed(error)
            }
        }
    }

    private enum Line {
        case field, incomplete, endOfSection
        case failed(FramingError)
    }

    private mutating func parseLine(_ bytes: UnsafeRawBufferPointer) -> Line {
        let start = self.position
        let end = bytes.count
        var index = start
        while index < end, ByteClass.isPlainName(bytes[index]) { index &+= 1 }
        let plainEnd = index
        while index < end, ByteClass.isToken(bytes[index]) { index &+= 1 }
        guard index < end else { return .incomplete }
        if index == start { return self.parseEmptyLine(bytes) }
        guard bytes[index] == ByteClass.colon else { return .failed(.malformedField) }
        let nameEnd = index
        index = ByteClass.firstControl(in: bytes, from: index &+ 1)
        while index < end, bytes[index] == ByteClass.tab { index = ByteClass.firstControl(in: bytes, from: index &+ 1) }
        guard index < end else { return .incomplete }
        guard bytes[index] == ByteClass.carriageReturn else { return .failed(.malformedField) }
        guard index &+ 1 < end else { return .incomplete }
        guard bytes[index &+ 1] == ByteClass.lineFeed else { return .failed(.malformedField) }
        guard self.fields.count < Self.maxFields else { return .failed(.headTooLarge) }
        let value = ByteClass.trimmed(bytes, nameEnd &+ 1..<index)
        let field = HeaderField(
            nameStart: UInt32(truncatingIfNeeded: start),
            nameLength: UInt32(truncatingIfNeeded: nameEnd &- start),
            valueStart: UInt32(truncatingIfNeeded: value.lowerBound),
            valueEnd: UInt32(truncatingIfNeeded: value.upperBound),
            lineEnd: UInt32(truncatingIfNeeded: index &+ 2),
            known: KnownHeader(bytes, start..<nameEnd, isPlain: plainEnd == nameEnd)
        )
        self.fields.append(field)
        self.position = index &+ 2
        return self.note(field, bytes)
    }

    private mutating func parseEmptyLine(_ bytes: UnsafeRawBufferPointer) -> Line {
        let index = self.position
        guard bytes[index] == ByteClass.carriageReturn else { return .failed(.malformedField) }
        guard index + 1 < bytes.count else { return .incomplete }
        guard bytes[index + 1] == ByteClass.lineFeed else { return .failed(.malformedField) }
        self.position = index + 2
        return .endOfSection
    }

    private mutating func note(_ field: HeaderField, _ bytes: UnsafeRawBufferPointer) -> Line {
        switch field.known {
        case .connection:
            self.connection.add(bytes, field.value, nominating: &self.nominated)
            if self.nominated.count > ConnectionOptions.maxNominatedNames { return .failed(.tooManyConnectionOptions) }
        case .contentLength: self.contentLength.add(bytes, field.value)
        case .transferEncoding: self.transferCoding.add(bytes, field.value)
        default: break
        }
        return .field
    }
}
