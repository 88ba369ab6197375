// SPDX-License-Identifier: MIT

/// One component of a path with `*`, `?` and `[…]`, matched as the shell does: a leading dot is matched by a dot only.
struct GlobPattern {
    private enum Part {
        case byte(UInt8)
        case anyOne
        case anyRun
        case set([ClosedRange<UInt8>], isNegated: Bool)
    }

    private let parts: [Part]
    /// Whether there is anything but plain bytes in it.
    let isPattern: Bool

    init(_ text: some StringProtocol) {
        var parts: [Part] = []
        var isPattern = false
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"): parts.append(.anyRun)
            case UInt8(ascii: "?"): parts.append(.anyOne)
            case UInt8(ascii: "["):
                guard let set = Self.set(&rest) else {
                    parts.append(.byte(byte))
                    continue
                }
                parts.append(set)
            default:
                parts.append(.byte(byte))
                continue
            }
            isPattern = true
        }
        self.parts = parts
        self.isPattern = isPattern
    }

    func matches(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        if bytes.first == UInt8(ascii: ".") {
            guard case .byte(UInt8(ascii: "."))? = parts.first else { return false }
        }
        // Positions in the pattern that the bytes so far can have led to.
        var states: Set<Int> = closure([0])
        for byte in bytes {
            var next: Set<Int> = []
            for state in states where state < parts.count {
                switch parts[state] {
                case .byte(let wanted): if byte == wanted { next.insert(state + 1) }
                case .anyOne: next.insert(state + 1)
                case .anyRun: next.insert(state)
                case .set(let ranges, let isNegated):
                    if ranges.contains(where: { $0.contains(byte) }) != isNegated { next.insert(state + 1) }
                }
            }
            states = closure(next)
        }
        return states.contains(parts.count)
    }

    /// A run may be empty.
    private func closure(_ states: Set<Int>) -> Set<Int> {
        var all = states
        for start in states {
            var state = start
            while state < parts.count, case .anyRun = parts[state] {
                state += 1
                all.insert(state)
            }
        }
        return all
    }

    private static func set(_ rest: inout ArraySlice<UInt8>) -> Part? {
        var inside = rest
        let isNegated = inside.first == UInt8(ascii: "!") || inside.first == UInt8(ascii: "^")
        if isNegated { inside.removeFirst() }
        var ranges: [ClosedRange<UInt8>] = []
        while let byte = inside.popFirst() {
            if byte == UInt8(ascii: "]"), !ranges.isEmpty {
                rest = inside
                return .set(ranges, isNegated: isNegated)
            }
            if inside.first == UInt8(ascii: "-"), let last = inside.dropFirst().first, last != UInt8(ascii: "]") {
                inside = inside.dropFirst(2)
                guard byte <= last else { return nil }
                ranges.append(byte...last)
            } else {
                ranges.append(byte...byte)
            }
        }
        return nil
    }
}
