// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import LinuxSystem

/// The configuration's files on disk.
struct DiskFiles: ConfigurationFiles {
    /// A configuration file larger than this is none.
    private static let maxFileBytes = 16 << 20

    func contents(of path: String) -> Result<[UInt8], ConfigurationFileError> {
        do throws(SystemError) {
            return .success(try Files.read(path, limit: Self.maxFileBytes))
        } catch {
            return .failure(ConfigurationFileError(reason: error.reason))
        }
    }

    func paths(matching pattern: String) -> [String] { Files.paths(matching: pattern) }

    func linkTarget(of path: String) -> String? {
        // Anything that is no link, or cannot be looked at, has no target.
        try? Files.readLink(path)
    }
}
