// SPDX-License-Identifier: MIT

import FuzzTargets
import LinuxSystem
import TestSupport
import Testing

/// Inputs near those of the corpus, the same in each run: a first look, where `make fuzz` searches.
///
/// The sanitizer's program is a build of its own of everything, which takes longer than all that is tested here.
@Suite struct MutationTests {
    private static let mutations = 250
    private static let longest = 4096

    @Test(arguments: FuzzTarget.allCases)
    func `a target holds for inputs near those of its corpus`(_ target: FuzzTarget) throws {
        let inputs = try Repository.files(below: "Tests/Fuzz/corpus/\(target.rawValue)").sorted().map { path in
            try Files.read("\(Repository.root)/\(path)", limit: 1 << 20)
        }
        for seed in 0..<UInt64(Self.mutations) {
            var mutator = Mutator(seed: seed)
            let bytes = mutator.mutated(inputs, longest: Self.longest)
            #expect(throws: Never.self, "seed \(seed): \(bytes)") { try bytes.withUnsafeBytes { try target.run($0) } }
        }
    }
}

/// Changes inputs as fuzzers do.
private struct Mutator {
    private var state: UInt64
    /// Ends of ranges, and bytes that mean something to one of the readers.
    private static let telling: [UInt8] = [
        0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x0D, 0x20, 0x22, 0x2F, 0x3A, 0x3B, 0x5C, 0x7B,
    ]

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }

    mutating func mutated(_ inputs: [[UInt8]], longest: Int) -> [UInt8] {
        var bytes = pick(inputs)
        for _ in 0...below(4) { change(&bytes, inputs) }
        return Array(bytes.prefix(longest))
    }

    private mutating func change(_ bytes: inout [UInt8], _ inputs: [[UInt8]]) {
        let place = below(bytes.count + 1)
        let end = min(bytes.count, place + below(16))
        switch below(6) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(below(8))
        case 1 where place < bytes.count: bytes[place] = Self.telling[below(Self.telling.count)]
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4:
            let other = pick(inputs)
            bytes.replaceSubrange(place..., with: other.dropFirst(below(other.count + 1)))
        default:
            let byte = Self.telling[below(Self.telling.count)]
            bytes.insert(contentsOf: Array(repeating: byte, count: 1 + below(9)), at: place)
        }
    }

    private mutating func pick(_ inputs: [[UInt8]]) -> [UInt8] { inputs.isEmpty ? [] : inputs[below(inputs.count)] }

    private mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    private mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
