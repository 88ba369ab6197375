// SPDX-License-Identifier: MIT

import FoundationEssentials

extension AdminCommand {
    package init(json: some Sequence<UInt8>) throws(AdminError) {
        self = try decoded(Data(json))
    }

    package func json() -> [UInt8] { encoded(self) }
}

extension AdminAnswer {
    package init(json: some Sequence<UInt8>) throws(AdminError) {
        self = try decoded(Data(json))
    }

    package func json() -> [UInt8] { encoded(self) }
}

extension StatusReport {
    package init(json: some Sequence<UInt8>) throws(AdminError) {
        self = try decoded(Data(json))
    }

    /// Indented, keys sorted: for people and their scripts.
    package func prettyJSON() -> String {
        String(
            decoding: encoded(self, formatting: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]),
            as: UTF8.self
        )
    }
}

private func decoded<Value: Decodable>(_ bytes: Data) throws(AdminError) -> Value {
    do {
        return try JSONDecoder().decode(Value.self, from: bytes)
    } catch {
        throw AdminError(kind: .malformed, message: "cannot be read as JSON of the expected form")
    }
}

/// These types hold nothing that JSON cannot say, so that a failure means a defect here; the answer then says so.
private func encoded(
    _ value: some Encodable,
    formatting: JSONEncoder.OutputFormatting = [.sortedKeys, .withoutEscapingSlashes]
) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    do {
        return [UInt8](try encoder.encode(value))
    } catch {
        return Array(#"{"error":{"kind":"failed","message":"the answer cannot be put into JSON"}}"#.utf8)
    }
}
