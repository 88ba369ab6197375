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

    func paths(matching pattern: String) -> [String] {
        var paths = [""]
        for component in pattern.pathComponents {
            let glob = GlobPattern(component)
            paths = paths.flatMap { directory in
                guard glob.isPattern else { return ["\(directory)/\(component)"] }
                // A folder that is not there or may not be read has no matches, as in the shell.
                let names = (try? Files.list(directory.isEmpty ? "/" : directory)) ?? []
                return names.filter(glob.matches).map { "\(directory)/\($0)" }
            }
        }
        return paths.filter { Files.exists($0) }.sorted()
    }

    func linkTarget(of path: String) -> String? {
        // Anything that is no link, or cannot be looked at, has no target.
        try? Files.readLink(path)
    }
}
