// SPDX-License-Identifier: MIT

import LinuxSystem

/// The checkout that the tests were built from.
package enum Repository {
    /// Absolute path of the checkout.
    package static let root: String = {
        let here = #filePath.split(separator: "/")
        return "/" + here.dropLast(3).joined(separator: "/")
    }()

    /// The text of a file of the checkout.
    package static func text(_ path: String) throws -> String { try TestFile.text("\(root)/\(path)") }

    /// Paths of all files below a folder of the checkout, relative to the checkout, sorted.
    package static func files(below folder: String, suffix: String = "") throws -> [String] {
        TestFile.tree("\(root)/\(folder)").filter { $0.hasSuffix(suffix) }.map { "\(folder)/\($0)" }
    }

    /// Where the built programs are: `FLYING_PASSENGER_BIN_DIR`, else the release build, else the debug build.
    package static let programs: String = {
        if let given = CurrentProcess.environment("FLYING_PASSENGER_BIN_DIR"), !given.isEmpty { return given }
        let release = "\(root)/.build/release"
        return Files.exists("\(release)/flying-passenger") ? release : "\(root)/.build/debug"
    }()

    /// Path of a built program.
    package static func program(_ name: String) -> String { "\(programs)/\(name)" }

    /// Whether the programs that the integration tests drive have been built.
    package static let programsAreBuilt: Bool = [
        "flying-passenger", "front-proxy", "passenger-status", "passenger-memory-stats", "passenger-config",
        "flying-passenger-exec",
    ].allSatisfy { Files.isExecutable(program($0)) }
}
