// SPDX-License-Identifier: MIT

package import LinuxSystem
package import SpawnPlan

/// Facts of files below an app root that was opened once: whatever happens to its path, all of them belong together.
package final class AppRootFacts: FileFacts {
    package let root: OpenDirectory

    package init(appRoot: String) throws(SystemError) {
        self.root = try OpenDirectory.open(appRoot)
    }

    package func fact(at path: AppPath) -> FileFact? {
        // What cannot be looked at counts as absent, also a directory that is reached through a link.
        switch path {
        case .root: try? FileFact(self.root.status())
        case .below(let file): try? self.fact(below: file, in: path.directory)
        }
    }

    package func folders(limit: Int) -> [String] {
        // A directory that cannot be listed has none that could be told.
        let names = (try? self.root.names(limit: Self.maxNames)) ?? []
        return Array(names.lazy.filter { self.fact(at: .below($0))?.kind == .directory }.prefix(limit))
    }

    /// Entries that are looked at for folders.
    private static let maxNames = 256

    private func fact(below file: String, in directory: AppPath) throws(SystemError) -> FileFact {
        guard case .below(let folder) = directory else { return FileFact(try self.root.status(of: file)) }
        let name = String(file.dropFirst(folder.count + 1))
        return FileFact(try self.root.openDirectoryWithoutLinks(folder).status(of: name))
    }
}

extension FileFact {
    init(_ status: FileStatus) {
        let kind: Kind =
            switch status.kind {
            case .regular: .file
            case .directory: .directory
            case .symbolicLink: .link
            case .socket, .fifo, .characterDevice, .blockDevice: .other
            }
        self.init(
            kind: kind,
            uid: status.owner,
            gid: status.group,
            mode: status.mode,
            inode: status.inode,
            device: status.device,
            names: status.linkCount
        )
    }
}
