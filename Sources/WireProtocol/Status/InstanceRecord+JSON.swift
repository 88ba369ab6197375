// SPDX-License-Identifier: MIT

import FoundationEssentials

extension InstanceRecord {
    /// nil if the bytes are no record of an instance.
    package init?(json: some Sequence<UInt8>) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch {
            return nil
        }
    }

    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
