// SPDX-License-Identifier: MIT

import HTTPFraming
import NIOCore

/// What part of a file, if any, a request gets (RFC 9110 §13 and §14).
enum FileSelection: Equatable {
    case whole
    /// Offsets in the file.
    case part(Range<Int>)
    case notModified
    case unsatisfiable
}

/// The conditions and the range of a request for a file; only GET has ranges, and several at once get the whole file.
struct ConditionalRequest {
    let head: RequestHead
    let bytes: UnsafeRawBufferPointer

    /// `entityTag` with its quotes; `modified` in seconds since 1970, of any year.
    func select(size: Int, modified: Int, entityTag: String) -> FileSelection {
        if self.isNotModified(modified: modified, entityTag: entityTag) { return .notModified }
        guard self.head.method == .get, let range = self.head.field(.range) else { return .whole }
        if let condition = self.head.field(.ifRange), !self.holds(condition, modified: modified, entityTag: entityTag) {
            return .whole
        }
        return self.range(range.value, size: size)
    }

    /// `If-None-Match` counts alone when it is there (RFC 9110 §13.1.3).
    private func isNotModified(modified: Int, entityTag: String) -> Bool {
        var hasTags = false
        var matches = false
        for field in self.head.fields where field.known == .ifNoneMatch {
            hasTags = true
            ByteClass.forEachElement(self.bytes, field.value) { element in
                let tag = self.text(element)
                matches = matches || tag == "*" || tag == entityTag || tag == "W/" + entityTag
            }
        }
        if hasTags { return matches }
        guard let field = self.head.field(.ifModifiedSince),
            let since = HTTPDate.parse(UnsafeRawBufferPointer(rebasing: self.bytes[field.value]))
        else { return false }
        return modified <= since
    }

    private func holds(_ condition: HeaderField, modified: Int, entityTag: String) -> Bool {
        if self.text(condition.value) == entityTag { return true }
        return HTTPDate.parse(UnsafeRawBufferPointer(rebasing: self.bytes[condition.value])) == modified
    }

    private func range(_ value: Range<Int>, size: Int) -> FileSelection {
        let unit: StaticString = "bytes="
        let start = value.lowerBound + unit.utf8CodeUnitCount
        guard start < value.upperBound, ByteClass.matches(self.bytes, value.lowerBound..<start, unit),
            let dash = (start..<value.upperBound).first(where: { self.bytes[$0] == UInt8(ascii: "-") })
        else { return .whole }
        let first = ByteClass.trimmed(self.bytes, start..<dash)
        let last = ByteClass.trimmed(self.bytes, dash + 1..<value.upperBound)
        switch (first.isEmpty, last.isEmpty) {
        case (true, true): return .whole
        case (true, false):
            guard let count = ByteClass.decimal(self.bytes, last) else { return .whole }
            return count == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
        case (false, true):
            guard let begin = ByteClass.decimal(self.bytes, first) else { return .whole }
            return begin < size ? .part(begin..<size) : .unsatisfiable
        case (false, false):
            guard let begin = ByteClass.decimal(self.bytes, first), let end = ByteClass.decimal(self.bytes, last),
                begin <= end
            else { return .whole }
            return begin < size ? .part(begin..<min(size, end + 1)) : .unsatisfiable
        }
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: self.bytes[range]), as: UTF8.self)
    }
}
