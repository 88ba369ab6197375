// SPDX-License-Identifier: MIT

import FoundationEssentials
import NIOCore
import Testing

/// One `NAME.http` with its `NAME.json`.
struct Fixture: CustomTestStringConvertible, Sendable {
    struct Expected: Decodable, Sendable {
        struct Request: Decodable, Sendable, Equatable {
            var method: String
            var path: String
            var query: String?
            var version: String
            var host: String?
            var fields: [[String]]
            /// "none", "chunked" or a number.
            var body: String
            var content: String
            var keepAlive: Bool
            var expectsContinue: Bool?
            var wantsUpgrade: Bool?
        }

        var requests: [Request]?
        var status: Int?
    }

    let name: String
    let bytes: [UInt8]
    let expected: Expected

    var testDescription: String { self.name }

    static let valid = Self.load("valid")
    static let invalid = Self.load("invalid")

    private static func load(_ kind: String) -> [Fixture] {
        let folder = String(#filePath.dropLast("Fixture+JSON.swift".count)) + "Fixtures/" + kind
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            return try names.filter { $0.hasSuffix(".http") }.sorted().map { file in
                let name = String(file.dropLast(5))
                let bytes = try Data(contentsOf: URL(filePath: "\(folder)/\(file)"))
                let json = try Data(contentsOf: URL(filePath: "\(folder)/\(name).json"))
                return Fixture(
                    name: name,
                    bytes: [UInt8](bytes),
                    expected: try JSONDecoder().decode(Expected.self, from: json)
                )
            }
        } catch {
            preconditionFailure("fixtures cannot be read: \(error)")
        }
    }
}
