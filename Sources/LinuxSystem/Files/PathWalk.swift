// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc
package import PathSafety

/// Follows a path component by component and notes what it meets, for a policy to judge.
///
/// Each component is opened with `O_PATH` and `O_NOFOLLOW` relative to the one before, so the facts are those of what was
/// walked through, whatever is renamed meanwhile; links are resolved here, not by the kernel. Paths are bytes. May hang
/// where a file system does.
package struct PathWalk: ~Copyable {
    /// What there is to find at the end.
    private enum Goal {
        case directory
        /// Whatever it is, but no link.
        case anything
        /// The place of a file in a directory, whether it exists or not.
        case place
    }

    private enum Step {
        case component([UInt8])
        /// What has been reached is what this link of the trail leads to.
        case endOfLink(Int)
        /// What has been reached is the directory that the caller calls the root.
        case root
    }

    /// What the kernel takes as well (path_resolution(7)).
    private static let maxLinks = 40
    /// Of the path and of all links together: a tree whose links lead through thousands of directories costs no more.
    private static let maxComponents = 512

    /// Last step first.
    private var steps: [Step] = []
    private var place: OpenDirectory
    private var status: FileStatus
    /// Without links; nothing stands for the root of the file system.
    private var location: [UInt8] = []
    private var links = 0
    private var components = 0
    private var trail = PathTrail()
    private var root: WalkedPoint
    private var points: [WalkedPoint] = []
    private let readsAccessLists: Bool

    private init(from place: consuming OpenDirectory, _ status: FileStatus, readsAccessLists: Bool) {
        self.place = place
        self.status = status
        self.root = WalkedPoint(path: [], status: status)
        self.readsAccessLists = readsAccessLists
    }

    private static func begin(_ path: [UInt8], readsAccessLists: Bool = true) throws(SystemError) -> PathWalk {
        let root = try OpenDirectory.open("/")
        let status = try root.status()
        var walk = PathWalk(from: root, status, readsAccessLists: readsAccessLists)
        try walk.push(path, orFail: tooLong(path))
        return walk
    }

    // MARK: Walks

    /// Opens a directory for lookups, through links.
    ///
    /// - Throws: the error of the call that failed, with the component that it was about.
    package static func openDirectory(_ path: String) throws(SystemError) -> WalkedDirectory {
        var walk = try begin(absolute(path))
        try walk.run(to: .directory)
        walk.note(.entered(try walk.fact()))
        let trail = walk.trail
        return WalkedDirectory(walk.place, trail)
    }

    /// Opens the directory that holds a file, or is to hold it, through links, those in the place of the file included.
    package static func openPlace(_ path: String) throws(SystemError) -> WalkedPlace {
        var walk = try begin(absolute(path))
        let name = try walk.run(to: .place)
        // Whoever may write there could put a link in the place of the file.
        walk.note(.entered(try walk.fact()))
        let (text, trail) = (walk.text(of: name), walk.trail)
        return WalkedPlace(walk.place, name: name, path: text, trail: trail)
    }

    /// Walks to whatever there is, through links; it is the last place of the trail.
    package static func look(at path: String) throws(SystemError) -> WalkedFile {
        var walk = try begin(absolute(path))
        try walk.run(to: .anything)
        walk.note(.entered(try walk.fact()))
        return walk.file()
    }

    /// Walks to a file below a directory, for the rule about links alone: `root` of the answer is that directory.
    package static func look(at path: [UInt8], below root: [UInt8]) throws(SystemError) -> WalkedFile {
        var walk = try begin(path, readsAccessLists: false)
        walk.steps.append(.root)
        try walk.push(root, orFail: tooLong(root))
        try walk.run(to: .anything)
        return walk.file()
    }

    private consuming func file() -> WalkedFile {
        let (status, path, trail, root, points) = (status, location, trail, root, points)
        return WalkedFile(place, status, path: path, trail: trail, root: root, points: points)
    }

    /// A path as it is meant from the working directory of this process.
    private static func absolute(_ path: String) throws(SystemError) -> [UInt8] {
        guard path.utf8.first != UInt8(ascii: "/") else { return Array(path.utf8) }
        return Array("\(try CurrentProcess.workingDirectory())/\(path)".utf8)
    }

    // MARK: Steps

    private mutating func push(_ path: [UInt8], orFail error: SystemError) throws(SystemError) {
        let added = path.split(separator: UInt8(ascii: "/"))
        components += added.count
        guard components <= Self.maxComponents else { throw error }
        for component in added.reversed() { steps.append(.component(Array(component))) }
    }

    private static func tooLong(_ path: [UInt8]) -> SystemError {
        let subject = String(decoding: path.prefix(Int(PATH_MAX)), as: UTF8.self)
        return SystemError(call: "openat", code: ENAMETOOLONG, subject: subject)
    }

    /// The name that is left over, for the goal `place`.
    @discardableResult
    private mutating func run(to goal: Goal) throws(SystemError) -> [UInt8] {
        while let step = steps.popLast() {
            switch step {
            case .endOfLink(let index):
                trail.linkLeads(at: index, to: status.owner)
                points.append(WalkedPoint(path: location, status: status))
            case .root: root = WalkedPoint(path: location, status: status)
            case .component(let name):
                guard status.kind == .directory else { throw failure("openat", ENOTDIR, name) }
                if name == Array(".".utf8) { continue }
                if name == Array("..".utf8) {
                    try leave()
                } else if try isLast(of: goal, name) {
                    return name
                } else {
                    try enter(name)
                }
            }
        }
        guard goal != .place else { throw failure("open", EISDIR, []) }
        guard goal == .anything || status.kind == .directory else { throw failure("open", ENOTDIR, []) }
        return []
    }

    /// Whether only this name is left, and no link stands there.
    private func isLast(of goal: Goal, _ name: [UInt8]) throws(SystemError) -> Bool {
        guard goal == .place else { return false }
        let isFollowed = steps.contains { if case .component = $0 { true } else { false } }
        guard !isFollowed else { return false }
        do throws(SystemError) {
            return try FileStatus(directory: place.rawValue, name: name).kind != .symbolicLink
        } catch  where error.isNotFound {
            return true
        }
    }

    private mutating func leave() throws(SystemError) {
        place = try place.openEntryAsDirectory("..")
        status = try place.status()
        location = location.lastIndex(of: UInt8(ascii: "/")).map { Array(location[..<$0]) } ?? []
    }

    private mutating func enter(_ name: [UInt8]) throws(SystemError) {
        // Nobody could name what lies deeper; and each place of the trail holds its path.
        guard location.count + 1 + name.count < Int(PATH_MAX) else { throw failure("openat", ENAMETOOLONG, []) }
        let next: OpenDirectory
        do throws(SystemError) {
            next = try place.openAnyEntry(name)
        } catch {
            throw failure(error.call, error.code, name)
        }
        let found = try next.status()
        note(.passed(try fact(), holds: found.owner))
        guard found.kind == .symbolicLink else {
            location += [UInt8(ascii: "/")] + name
            place = next
            status = found
            return
        }
        links += 1
        guard links <= Self.maxLinks else { throw failure("openat", ELOOP, name) }
        try follow(next, found, name)
    }

    private mutating func follow(
        _ link: borrowing OpenDirectory,
        _ found: FileStatus,
        _ name: [UInt8]
    ) throws(SystemError) {
        let target = try Files.readLinkBytes(directory: link.rawValue, [])
        steps.append(.endOfLink(trail.places.count))
        let fact = PathFact(found, accessList: nil)
        let text = String(decoding: target, as: UTF8.self)
        trail.append(self.text(of: name), .link(fact, target: text, leadsTo: found.owner))
        points.append(WalkedPoint(path: location + [UInt8(ascii: "/")] + name, status: found))
        let tooMany = failure("openat", ELOOP, name)
        try push(target, orFail: tooMany)
        guard target.first == UInt8(ascii: "/") else { return }
        place = try OpenDirectory.open("/")
        status = try place.status()
        location = []
    }

    // MARK: Facts

    private mutating func note(_ step: PathTrail.Step) { trail.append(text(), step) }

    /// Of what has been reached.
    ///
    /// Where an access list lets others write, the mode lets the group write: it shows the mask of the list then.
    private func fact() throws(SystemError) -> PathFact {
        PathFact(status, accessList: readsAccessLists && status.isWritableByGroup ? place.accessList() : nil)
    }

    private func text(of name: [UInt8] = []) -> String {
        let bytes = name.isEmpty ? location : location + [UInt8(ascii: "/")] + name
        return bytes.isEmpty ? "/" : String(decoding: bytes, as: UTF8.self)
    }

    private func failure(_ call: String, _ code: Int32, _ name: [UInt8]) -> SystemError {
        // Without the right to search it is the directory that is closed, not what would be in it.
        SystemError(call: call, code: code, subject: code == EACCES ? text() : text(of: name))
    }
}

/// A directory with the way that led to it.
package final class WalkedDirectory: Sendable {
    package let directory: OpenDirectory
    package let trail: PathTrail

    fileprivate init(_ directory: consuming OpenDirectory, _ trail: PathTrail) {
        self.directory = directory
        self.trail = trail
    }
}

/// Where a file is, or is to be.
package final class WalkedPlace: Sendable {
    package let directory: OpenDirectory
    package let name: [UInt8]
    /// Of the file, without links.
    package let path: String
    package let trail: PathTrail

    fileprivate init(_ directory: consuming OpenDirectory, name: [UInt8], path: String, trail: PathTrail) {
        self.directory = directory
        self.name = name
        self.path = path
        self.trail = trail
    }
}

/// A place of a walk as it was then.
package struct WalkedPoint: Sendable {
    /// Without links on the way; nothing stands for the root of the file system.
    package let path: [UInt8]
    package let status: FileStatus

    /// Whether the same thing of the same owner is still there, and if it is a link, never touched.
    package var isUnchanged: Bool {
        // What cannot be looked at is not known to be the same.
        guard let now = try? FileStatus(path: path.isEmpty ? Array("/".utf8) : path, followingLinks: false) else {
            return false
        }
        guard now.identity == status.identity, now.owner == status.owner, now.kind == status.kind else { return false }
        return now.kind != .symbolicLink || now.changeTime == status.changeTime
    }
}

/// Anything but a link, with the way that led to it.
package final class WalkedFile: Sendable {
    /// Opened for looks only (`O_PATH`).
    package let place: OpenDirectory
    package let status: FileStatus
    /// Without links.
    package let path: [UInt8]
    package let trail: PathTrail
    /// The directory that the walk was to go below; the root of the file system if none was named.
    package let root: WalkedPoint
    /// Each link, and what it leads to.
    package let points: [WalkedPoint]

    fileprivate init(
        _ place: consuming OpenDirectory,
        _ status: FileStatus,
        path: [UInt8],
        trail: PathTrail,
        root: WalkedPoint,
        points: [WalkedPoint]
    ) {
        self.place = place
        self.status = status
        self.path = path
        self.trail = trail
        self.root = root
        self.points = points
    }

    /// Opens it for reading; never waits for the writer of a FIFO, nor opens a device.
    package func openForReading() throws(SystemError) -> Descriptor {
        guard status.kind == .regular else { throw SystemError(call: "open", code: EINVAL, subject: text) }
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW
        let descriptor = Descriptor(
            owning: try checked("open", text) { path.withCString { fp_open(AT_FDCWD, $0, flags, 0) } }
        )
        // By whatever way it was reached this time: it is the file that the walk came to, or it is not used.
        guard try FileStatus(descriptor: descriptor.rawValue).identity == status.identity else {
            throw SystemError(call: "open", code: ESTALE, subject: text)
        }
        return descriptor
    }

    private var text: String { String(decoding: path, as: UTF8.self) }
}

extension OpenDirectory {
    /// One entry of this directory, of any kind, for looks only; a link is not followed.
    ///
    /// As a directory first: only so are file systems mounted that are mounted at their first use.
    fileprivate func openAnyEntry(_ name: [UInt8]) throws(SystemError) -> OpenDirectory {
        let flags = fp_open_flag_path() | O_NOFOLLOW
        do throws(SystemError) {
            return OpenDirectory(
                Descriptor(
                    owning: try checked("openat") {
                        name.withCString { fp_open(rawValue, $0, flags | O_DIRECTORY, 0) }
                    }
                )
            )
        } catch  where error.isNotDirectory || error.isSymbolicLink {
            return OpenDirectory(
                Descriptor(owning: try checked("openat") { name.withCString { fp_open(rawValue, $0, flags, 0) } })
            )
        }
    }

    /// Who may write to it.
    package func pathFact() throws(SystemError) -> PathFact {
        let status = try self.status()
        return PathFact(status, accessList: status.isWritableByGroup ? accessList() : nil)
    }

    /// The access list of this directory; nil if it has none, or one that cannot be read (`/proc` is needed).
    fileprivate func accessList() -> AccessList? {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = fp_access_list(rawValue, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return AccessList(bytes: Array(bytes.prefix(count)))
    }
}

extension PathFact {
    fileprivate init(_ status: FileStatus, accessList: AccessList?) {
        self.init(owner: status.owner, group: status.group, mode: status.mode, accessList: accessList)
    }
}

extension [UInt8] {
    /// As the kernel takes a name; it holds no zero byte, which no path that came from outside has.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (self + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                // Never nil: there is at least the zero byte.
                characters.baseAddress.map(body) ?? body("")
            }
        }
    }
}
