// SPDX-License-Identifier: MIT

package import LinuxSystem

/// Reading and writing of files in tests.
package enum TestFile {
    package static func exists(_ path: String) -> Bool { Files.exists(path) }

    /// The file's bytes as UTF-8; what is no UTF-8 appears as replacement characters.
    package static func text(_ path: String) throws(SystemError) -> String {
        String(decoding: try Files.read(path, limit: 1 << 30), as: UTF8.self)
    }

    /// Names in a directory, sorted; empty where there is none.
    package static func names(in directory: String) -> [String] {
        // A directory that is gone or closed to us holds nothing for a test.
        (try? Files.list(directory)) ?? []
    }

    /// Paths of all files below a directory, relative to it, sorted; links are not followed.
    package static func tree(_ directory: String) -> [String] {
        names(in: directory).flatMap { name -> [String] in
            let path = "\(directory)/\(name)"
            // What vanishes while we look is not there.
            guard let kind = try? FileStatus(path: path, followingLinks: false).kind else { return [] }
            return kind == .directory ? tree(path).map { "\(name)/\($0)" } : [name]
        }
    }
}
