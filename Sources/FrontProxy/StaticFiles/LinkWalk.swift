// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem

/// Opens a file below a directory; a symbolic link on the way is followed only if its owner owns what it points to, or
/// root owns the link.
///
/// Links are resolved here, not by the kernel: what was checked is held open by descriptor, so nothing can be swapped
/// between the check and its use.
struct LinkWalk: ~Copyable {
    private enum Step {
        case component(String)
        /// What the walk has reached must belong to this user, the owner of the link that led here.
        case mustBelong(to: UInt32)
    }

    private static let maxLinks = 16

    private var steps: [Step]
    private var directory: OpenDirectory
    private var links = 0

    /// - Throws: ELOOP when a link may not be followed, else the error of the call that failed.
    static func open(_ path: String, below root: String) throws(SystemError) -> FoundFile {
        let directory = try OpenDirectory.open(root)
        let name = path.pathComponents.last ?? path
        do {
            let descriptor = try directory.openFileWithoutLinks(path)
            let status = try FileStatus(descriptor: descriptor.rawValue)
            return FoundFile(descriptor, status: status, name: name)
        } catch  where error.isSymbolicLink {
            var walk = LinkWalk(steps: Self.steps(path), directory: directory)
            return try walk.run(name: name)
        }
    }

    private static func steps(_ path: String) -> [Step] {
        path.pathComponents.reversed().map { .component($0) }
    }

    private mutating func run(name: String) throws(SystemError) -> FoundFile {
        while let step = self.steps.popLast() {
            switch step {
            case .mustBelong(let owner):
                guard try self.directory.status().owner == owner else { throw Self.refused(name) }
            case .component("."): continue
            case .component(let component):
                let status = try self.directory.status(of: component)
                switch status.kind {
                case .symbolicLink: try self.follow(component, status)
                case .directory: self.directory = try self.directory.openEntryAsDirectory(component)
                case .regular: return try self.openLast(component, name: name)
                case .socket, .fifo, .characterDevice, .blockDevice: throw Self.refused(component)
                }
            }
        }
        throw Self.refused(name)
    }

    private mutating func follow(_ component: String, _ status: FileStatus) throws(SystemError) {
        self.links += 1
        guard self.links <= Self.maxLinks else { throw Self.refused(component) }
        let text = try self.directory.readLink(component)
        guard try self.directory.status(of: component).identity == status.identity else {
            throw Self.refused(component)
        }
        if status.owner != 0 { self.steps.append(.mustBelong(to: status.owner)) }
        self.steps.append(contentsOf: Self.steps(text))
        if text.utf8.first == UInt8(ascii: "/") { self.directory = try OpenDirectory.open("/") }
    }

    private mutating func openLast(_ component: String, name: String) throws(SystemError) -> FoundFile {
        let descriptor = try self.directory.openEntry(component)
        let status = try FileStatus(descriptor: descriptor.rawValue)
        while let step = self.steps.popLast() {
            guard case .mustBelong(let owner) = step, owner == status.owner else { throw Self.refused(component) }
        }
        return FoundFile(descriptor, status: status, name: name)
    }

    /// 40 is ELOOP on all Linux architectures.
    private static func refused(_ subject: String) -> SystemError {
        SystemError(call: "openat", code: 40, subject: subject)
    }
}
