// SPDX-License-Identifier: MIT

package import LinuxSystem

/// A directory below /tmp that every user may enter, removed with everything in it when it is closed or forgotten.
package final class TestDirectory {
    package let path: String

    package init(_ prefix: String = "fp-test.") throws {
        path = try Files.makeTemporaryDirectory(in: "/tmp", prefix: prefix)
        try Files.setMode(path, 0o755)
    }

    deinit { remove() }

    package func remove() {
        // Nothing is left to do about a directory that cannot be removed.
        try? Files.removeTree(path)
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file, with the directories above it.
    @discardableResult
    package func write(_ text: String, to name: String, mode: UInt32 = 0o644) throws -> String {
        let target = file(name)
        let parent = target.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        try Files.makeDirectories(parent)
        try Files.write(Array(text.utf8), to: target, mode: mode)
        return target
    }

    /// Copies a folder of the checkout and gives it to a user; returns the copy's path.
    package func copy(_ folder: String, to name: String, owner: UserAccount? = nil) throws -> String {
        let source = "\(Repository.root)/\(folder)"
        let target = file(name)
        try Files.makeDirectories(target)
        for relative in TestFile.tree(source) {
            let bytes = try Files.read("\(source)/\(relative)")
            let parent = ("\(name)/\(relative)").split(separator: "/").dropLast().joined(separator: "/")
            try Files.makeDirectories(file(parent))
            try Files.write(bytes, to: "\(target)/\(relative)", mode: 0o644)
        }
        if let owner { try Self.give(target, to: owner) }
        return target
    }

    /// Changes the owner of a path and of everything below it.
    package static func give(_ path: String, to owner: UserAccount) throws {
        try Files.setOwner(path, owner: owner.uid, group: owner.primaryGroup)
        for name in TestFile.names(in: path) { try give("\(path)/\(name)", to: owner) }
    }
}
