// SPDX-License-Identifier: MIT

/// What a client wants to have, by its `Accept` fields (RFC 9110 §12.5.1).
///
/// Parameters other than `q` are ignored, as are elements that are no media ranges.
struct AcceptField: Equatable {
    struct MediaRange: Equatable {
        /// Lower case; `*` is any.
        var type: String
        var subtype: String
        /// 0 to 1000.
        var quality: Int
    }

    /// How much a client wants a media type.
    struct Preference: Equatable {
        /// 0 to 1000; 0: not at all.
        var quality: Int
        /// The client names the type itself, or all of its main type.
        var isNamed: Bool
    }

    /// Nobody means more than these; the rest would only cost time.
    private static let maxRanges = 64

    let ranges: [MediaRange]

    /// The values of all `Accept` fields of a request; none means that everything is welcome.
    init(_ values: some Sequence<String>) {
        var ranges: [MediaRange] = []
        for value in values {
            for element in value.utf8.split(separator: UInt8(ascii: ",")) where ranges.count < Self.maxRanges {
                if let range = Self.range(element) { ranges.append(range) }
            }
        }
        self.ranges = ranges
    }

    /// The most specific range that covers a media type decides over it.
    func preference(for type: String, _ subtype: String) -> Preference {
        guard !self.ranges.isEmpty else { return Preference(quality: 1000, isNamed: false) }
        let exact = self.ranges.filter { $0.type == type && $0.subtype == subtype }
        if let quality = exact.map(\.quality).max() { return Preference(quality: quality, isNamed: true) }
        let partial = self.ranges.filter { $0.type == type && $0.subtype == "*" }
        if let quality = partial.map(\.quality).max() { return Preference(quality: quality, isNamed: true) }
        let any = self.ranges.filter { $0.type == "*" && $0.subtype == "*" }
        return Preference(quality: any.map(\.quality).max() ?? 0, isNamed: false)
    }

    private static func range(_ element: Substring.UTF8View.SubSequence) -> MediaRange? {
        let parts = element.split(separator: UInt8(ascii: ";")).map(self.trimmed)
        guard let name = parts.first else { return nil }
        let words = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard words.count == 2, !words[0].isEmpty, !words[1].isEmpty else { return nil }
        var quality = 1000
        for part in parts.dropFirst() where part.starts(with: "q=".utf8) || part.starts(with: "Q=".utf8) {
            guard let value = self.quality(part.dropFirst(2)) else { return nil }
            quality = value
        }
        return MediaRange(
            type: String(Substring(words[0])).lowercased(),
            subtype: String(Substring(words[1])).lowercased(),
            quality: quality
        )
    }

    /// `0`, `0.5`, `1.000`: thousandths; nil if it is no such value.
    private static func quality(_ text: Substring.UTF8View) -> Int? {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let whole = Int(Substring(first)), whole == 0 || whole == 1 else { return nil }
        guard parts.count == 2 else { return whole * 1000 }
        let digits = Substring(parts[1])
        guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let thousandths = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
        return min(1000, whole * 1000 + thousandths)
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        let start = text.drop { $0 == 0x20 || $0 == 0x09 }
        guard let end = start.lastIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return start }
        return start[...end]
    }
}
