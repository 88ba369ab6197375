// SPDX-License-Identifier: MIT

/// What a spawn decision may learn about the files of an app: facts of links themselves, never of what they point to.
package protocol FileFacts {
    /// The app root as it was opened, or what lies below it at `path` (no component of which is a link); nil when
    /// there is nothing.
    func fact(at path: AppPath) -> FileFact?
    /// Names of directories in the app root, in any order; links to some are not among them.
    func folders(limit: Int) -> [String]
}

/// A place in an app root.
package enum AppPath: Hashable, Sendable {
    case root
    /// Components joined by `/`, without `.`, `..` or empty ones.
    case below(String)

    /// The directory that holds this path.
    package var directory: AppPath {
        guard case .below(let path) = self, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return .root }
        return .below(String(path[..<slash]))
    }

    /// All directories from the root down to the one that holds this path.
    package var directories: [AppPath] {
        guard case .below = self else { return [.root] }
        let directory = self.directory
        return directory == .root ? [.root] : directory.directories + [directory]
    }
}

package struct FileFact: Hashable, Sendable {
    package enum Kind: String, Sendable {
        case file
        case directory
        case link = "symbolic link"
        case other = "special file"
    }

    package let kind: Kind
    package let uid: UInt32
    package let gid: UInt32
    /// Permission bits only.
    package let mode: UInt32
    package let inode: UInt64
    package let device: UInt64
    /// Names that the file has; more than one: somebody made a hard link.
    package let names: UInt64

    package init(
        kind: Kind,
        uid: UInt32,
        gid: UInt32,
        mode: UInt32,
        inode: UInt64 = 0,
        device: UInt64 = 0,
        names: UInt64 = 1
    ) {
        self.kind = kind
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.inode = inode
        self.device = device
        self.names = names
    }
}
