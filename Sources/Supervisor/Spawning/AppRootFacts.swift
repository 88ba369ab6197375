// SPDX-License-Identifier: MIT

package import LinuxSystem
package import PathSafety
package import SpawnPlan

/// Facts of files below an app root that was opened once: whatever happens to its path, all of them belong together.
package final class AppRootFacts: FileFacts {
    /// The root, and the way to it; the root is the last place.
    private let walked: WalkedDirectory
    /// As whom all is looked at; nil: as the daemon.
    private let identity: UserIdentity?

    package init(appRoot: String, as identity: UserIdentity? = nil) throws(SystemError) {
        self.walked = try Self.look(as: identity) { () throws(SystemError) in
            let walked = try PathWalk.openDirectory(appRoot)
            // Opening it proves no right to look into it, and without that all files would seem to be absent.
            _ = try walked.directory.status(of: ".")
            return walked
        }
        self.identity = identity
    }

    /// Of the open root.
    package var descriptor: Int32 { self.walked.directory.rawValue }

    /// Where the root is, without links on the way.
    package var path: String { self.walked.trail.places.last?.path ?? "/" }

    package func fact(at path: AppPath) -> FileFact? {
        // What cannot be looked at counts as absent, also a directory that is reached through a link.
        try? Self.look(as: self.identity) { () throws(SystemError) in
            switch path {
            case .root: FileFact(try self.walked.directory.status())
            case .below(let file): try self.fact(below: file, in: path.directory)
            }
        }
    }

    package func folders(limit: Int) -> [String] {
        // A directory that cannot be listed has none that could be told.
        let names =
            (try? Self.look(as: self.identity) { () throws(SystemError) in
                try self.walked.directory.names(limit: Self.maxNames)
            })
            ?? []
        return Array(names.lazy.filter { self.fact(at: .below($0))?.kind == .directory }.prefix(limit))
    }

    /// The way to the directory that holds a file: to the root, and on without links.
    package func trail(to path: AppPath) throws(SystemError) -> PathTrail {
        try Self.look(as: self.identity) { () throws(SystemError) in
            var trail = self.walked.trail
            for case .below(let folder) in path.directories {
                let fact = try self.walked.directory.openDirectoryWithoutLinks(folder).pathFact()
                trail.append("\(self.path)/\(folder)", .entered(fact))
            }
            return trail
        }
    }

    /// Entries that are looked at for folders.
    private static let maxNames = 256

    private func fact(below file: String, in directory: AppPath) throws(SystemError) -> FileFact {
        guard case .below(let folder) = directory else { return FileFact(try self.walked.directory.status(of: file)) }
        let name = String(Substring(file.utf8.dropFirst(folder.utf8.count + 1)))
        return FileFact(try self.walked.directory.openDirectoryWithoutLinks(folder).status(of: name))
    }

    private static func look<Answer>(
        as identity: UserIdentity?,
        _ body: () throws(SystemError) -> Answer
    ) throws(SystemError) -> Answer {
        guard let identity else { return try body() }
        return try identity.run(body)
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
