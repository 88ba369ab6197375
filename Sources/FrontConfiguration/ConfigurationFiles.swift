// SPDX-License-Identifier: MIT

package import AppSettings

/// What reading a configuration needs of the file system.
package protocol ConfigurationFiles {
    /// The bytes of a file, or why it cannot be read (`No such file or directory`).
    func contents(of path: String) -> Result<[UInt8], ConfigurationFileError>
    /// The files that a pattern with `*`, `?` or `[…]` names, sorted; none is no error.
    func paths(matching pattern: String) -> [String]
    /// What a symbolic link says, unresolved; nil if there is no link.
    func linkTarget(of path: String) -> String?
}

package struct ConfigurationFileError: Error, Sendable, Hashable {
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}

/// All that a configuration was read from, so that it can be read again elsewhere without the files.
package struct ConfigurationSnapshot: ConfigurationFiles, Sendable, Equatable {
    package var files: [ExactText: [UInt8]] = [:]
    package var matches: [ExactText: [String]] = [:]
    package var links: [ExactText: String] = [:]

    package init() {}

    package func contents(of path: String) -> Result<[UInt8], ConfigurationFileError> {
        files[ExactText(path)].map { .success($0) }
            ?? .failure(ConfigurationFileError(reason: "No such file or directory"))
    }

    package func paths(matching pattern: String) -> [String] { matches[ExactText(pattern)] ?? [] }

    package func linkTarget(of path: String) -> String? { links[ExactText(path)] }
}

/// Passes questions on and keeps the answers.
package final class RecordingFiles: ConfigurationFiles {
    private let files: any ConfigurationFiles
    package private(set) var snapshot = ConfigurationSnapshot()

    package init(_ files: any ConfigurationFiles) {
        self.files = files
    }

    package func contents(of path: String) -> Result<[UInt8], ConfigurationFileError> {
        let result = files.contents(of: path)
        if case .success(let bytes) = result { snapshot.files[ExactText(path)] = bytes }
        return result
    }

    package func paths(matching pattern: String) -> [String] {
        let paths = files.paths(matching: pattern)
        snapshot.matches[ExactText(pattern)] = paths
        return paths
    }

    package func linkTarget(of path: String) -> String? {
        let target = files.linkTarget(of: path)
        if let target { snapshot.links[ExactText(path)] = target }
        return target
    }
}
