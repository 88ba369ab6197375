// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration

/// What stands in configuration files.
enum ConfigurationTargets {
    private static let path = "/etc/front-proxy.conf"

    /// Whatever a file says, it is read or refused with a line, and the second reading says the same.
    static func front(_ bytes: UnsafeRawBufferPointer) throws {
        var files = ConfigurationSnapshot()
        files.files[ExactText(Self.path)] = Array(bytes)
        // A file that includes itself, and a pattern.
        files.matches[ExactText("/etc/*.conf")] = [Self.path]
        let (first, second) = (Self.read(files), Self.read(files))
        try require(first == second, "two readings differ")
        let lines = bytes.count { $0 == 0x0A } + 1
        for line in first.lines { try require((0...lines).contains(line), "line \(line) of \(lines)") }
    }

    private struct Reading: Equatable {
        var text: String
        var lines: [Int]
    }

    private static func read(_ files: ConfigurationSnapshot) -> Reading {
        do throws(ConfigurationError) {
            let configuration = try FrontConfiguration(paths: [Self.path], files: files)
            return Reading(text: configuration.model.dump, lines: configuration.warnings.map(\.line))
        } catch {
            return Reading(text: error.description, lines: error.diagnostics.map(\.line))
        }
    }
}
