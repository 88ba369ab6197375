// SPDX-License-Identifier: MIT

import FoundationEssentials

extension MemoryStats {
    /// Indented, keys sorted: for people and their scripts.
    func prettyJSON() -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // There is nothing in it that JSON cannot say.
        let bytes = (try? encoder.encode(self)).map { [UInt8]($0) } ?? []
        return String(decoding: bytes, as: UTF8.self)
    }
}
