// SPDX-License-Identifier: MIT

import FrontConfiguration

/// A configuration's files without a file system.
struct InMemoryFiles: ConfigurationFiles {
    var files: [String: String] = [:]
    var links: [String: String] = [:]

    func contents(of path: String) -> Result<[UInt8], ConfigurationFileError> {
        files[path].map { .success(Array($0.utf8)) } ?? .failure(ConfigurationFileError(reason: "No such file"))
    }

    /// Only `DIRECTORY/*SUFFIX`, a whole path, and `DIRECTORY/.` are understood.
    func paths(matching pattern: String) -> [String] {
        guard let star = pattern.firstIndex(of: "*") else {
            let isThere = files[pattern] != nil || pattern.hasSuffix("/.") && holdsSomething(pattern.dropLast())
            return isThere ? [pattern] : []
        }
        let prefix = pattern[..<star]
        let suffix = pattern[pattern.index(after: star)...]
        return files.keys.filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }.sorted()
    }

    private func holdsSomething(_ directory: Substring) -> Bool { files.keys.contains { $0.hasPrefix(directory) } }

    func linkTarget(of path: String) -> String? { links[path] }
}

/// Reads one file of text as `/etc/front.conf`.
func configuration(
    _ text: String,
    files: [String: String] = [:],
    links: [String: String] = [:]
) throws(ConfigurationError) -> FrontConfiguration {
    var all = InMemoryFiles(files: files, links: links)
    all.files["/etc/front.conf"] = text
    return try FrontConfiguration(paths: ["/etc/front.conf"], files: all)
}

/// What is wrong with a text, one diagnostic per line.
func errors(_ text: String, files: [String: String] = [:]) -> [String] {
    do throws(ConfigurationError) {
        _ = try configuration(text, files: files)
        return []
    } catch {
        return error.diagnostics.filter { $0.severity == .error }.map(\.description)
    }
}
