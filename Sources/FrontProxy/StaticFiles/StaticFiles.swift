// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import LinuxSystem

/// Finds the file that a request names below the document root of its route.
///
/// The existence check is one or two `stat` calls and done for every GET and HEAD; only a hit costs more: then the file is
/// opened by one call that follows no link from the root of the file system on, and only if there are links, by the rule for
/// them (`LinkedFiles`). Paths are bytes, as they came.
final class StaticFiles {
    enum Lookup {
        /// No such file, or a path that is never looked up: the app decides.
        case none
        case found(FoundFile)
        /// It exists, but may not be read.
        case forbidden
        /// A link on the way belongs to somebody else.
        case refused(RefusedLink)
        /// It exists and cannot be opened for now.
        case failed(SystemError)
        /// Nobody knows: this directory, the document root or one above it, is closed to this process.
        case closed(directory: String)
    }

    /// As whom apps run, by the name in their configuration.
    private let users: [ExactText: UInt32]
    private let linked = LinkedFiles()

    init(users: [ExactText: UInt32] = [:]) { self.users = users }

    /// Looks up the users that the configuration names; may wait for the account database.
    convenience init(for model: FrontModel) {
        var users: [ExactText: UInt32] = [:]
        for name in model.apps.compactMap({ $0.settings[SettingName.user] }) where users[ExactText(name)] == nil {
            // An app of somebody who cannot be looked up is not started either.
            users[ExactText(name)] = (try? Accounts.user(named: name))?.uid
        }
        self.init(users: users)
    }

    /// `path` is decoded, begins with a slash and has no query.
    func find(_ path: UnsafeRawBufferPointer, in route: RouteModel) -> Lookup {
        guard let root = route.documentRoot, Self.mayBeLookedUp(path) else { return .none }
        let prefix = route.stripPrefix.utf8.count
        guard path.count >= prefix else { return .none }
        let rest = UnsafeRawBufferPointer(rebasing: path[prefix...])
        // `location /static` holds `/static../x` too, but that is not below the directory it stands for.
        guard prefix == 0 || rest.isEmpty || rest.first == UInt8(ascii: "/") else { return .none }
        let user = route.app?.settings[SettingName.user].flatMap { users[ExactText($0)] }
        if rest.isEmpty || rest.last == UInt8(ascii: "/") {
            for name in route.index {
                let lookup = self.lookUp(root, Array(rest) + name.utf8, user)
                if case .none = lookup { continue }
                return lookup
            }
            return .none
        }
        let lookup = self.lookUp(root, Array(rest), user)
        guard case .none = lookup else { return lookup }
        return self.lookUp(root, Array(rest) + ".html".utf8, user)
    }

    private func lookUp(_ root: String, _ relative: [UInt8], _ appUser: UInt32?) -> Lookup {
        let slash = UInt8(ascii: "/")
        let path = Array(root.utf8) + (relative.first == slash ? [] : [slash]) + relative
        do throws(SystemError) {
            guard try FileStatus(path: path, followingLinks: true).kind == .regular else { return .none }
        } catch {
            // Any other failure means that there is no file to send.
            guard error.isPermissionDenied, let directory = Self.closedDirectory(on: root) else { return .none }
            return .closed(directory: directory)
        }
        do throws(LinkProblem) {
            let file = try self.open(path, rootLength: root.utf8.count, appUser)
            guard file.status.kind == .regular else { return .none }
            return .found(file)
        } catch {
            switch error {
            case .refused(let link): return .refused(link)
            case .system(let error) where error.isNotFound || error.isNotDirectory: return .none
            case .system(let error):
                let isForbidden = error.isPermissionDenied || error.isSymbolicLink || error.isNameTooLong
                return isForbidden ? .forbidden : .failed(error)
            }
        }
    }

    private func open(_ path: [UInt8], rootLength: Int, _ appUser: UInt32?) throws(LinkProblem) -> FoundFile {
        do throws(SystemError) {
            let descriptor = try Files.openWithoutLinks(path)
            let status = try FileStatus(descriptor: descriptor.rawValue)
            let name = path.split(separator: UInt8(ascii: "/")).last ?? []
            return FoundFile(descriptor, status: status, name: String(decoding: name, as: UTF8.self))
        } catch {
            guard error.isSymbolicLink || error.isNotSupported else { throw .system(error) }
            return try linked.open(path, rootLength: rootLength, appUser: appUser)
        }
    }

    /// The first directory on the way into `root` that this process cannot enter; nil if it can enter all of them.
    private static func closedDirectory(on root: String) -> String? {
        var directory = ""
        for component in root.pathComponents {
            let parent = directory.isEmpty ? "/" : directory
            directory += "/\(component)"
            do throws(SystemError) {
                _ = try FileStatus(path: directory + "/.")
            } catch {
                guard error.isPermissionDenied else { return nil }
                // Its own name could be looked up: it is this one, else the one above.
                return (try? FileStatus(path: directory)) == nil ? parent : directory
            }
        }
        return nil
    }

    /// No `..`, no empty or hidden component (but `.well-known`, RFC 8615), no NUL.
    static func mayBeLookedUp(_ path: UnsafeRawBufferPointer) -> Bool {
        guard path.first == UInt8(ascii: "/") else { return false }
        var previous: UInt8 = 0
        for index in path.indices {
            let byte = path[index]
            if byte == 0 { return false }
            if previous == UInt8(ascii: "/") {
                if byte == UInt8(ascii: "/") { return false }
                if byte == UInt8(ascii: "."), !Self.isWellKnown(path, index) { return false }
            }
            previous = byte
        }
        return true
    }

    private static func isWellKnown(_ path: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        guard start == 1 else { return false }
        return path.dropFirst().starts(with: ".well-known/".utf8)
    }
}

/// An open file and what is known about it.
final class FoundFile {
    let status: FileStatus
    /// Its last component, for the media type.
    let name: String
    private var descriptor: Descriptor?

    init(_ descriptor: consuming Descriptor, status: FileStatus, name: String) {
        self.status = status
        self.name = name
        self.descriptor = consume descriptor
    }

    /// Hands the descriptor over; nil the second time.
    func release() -> Int32? {
        let taken = self.descriptor.take()
        return taken?.release()
    }

    /// The same, for several to hold.
    func share() -> SharedDescriptor? { release().map { SharedDescriptor(Descriptor(owning: $0)) } }

    var size: Int { Int(self.status.size) }
    /// Seconds since 1970, of any year, as the owner of the file set it.
    var modified: Int { Int(self.status.modificationTime.seconds) }

    /// Changes whenever size or time of the file do; strong, as ranges need it.
    var entityTag: String {
        let time = self.status.modificationTime
        let parts = [time.seconds, time.nanoseconds, self.status.size].map { String($0, radix: 16) }
        return "\"\(parts.joined(separator: "-"))\""
    }
}
