// SPDX-License-Identifier: MIT

package import AppSettings
package import ApplicationPool
package import LinuxSystem
import PathSafety

/// Where an app's restart files are, and looks at them.
///
/// The paths go through the app root as it was configured: `current` may point to another release at any time. Of the
/// files only existence, identity and time are used; they are not opened, so it does not matter what they are. They are
/// looked at with the rights of the app's user: a restart tells whoever made a link nothing that this user could not see.
package struct RestartFiles: Sendable, Equatable {
    private static let restartName = "restart.txt"
    private static let alwaysRestartName = "always_restart.txt"

    /// Native strings end with a NUL byte: they go to the kernel as they are.
    private let appRoot: String
    private let directory: String
    /// Below the app root; nil for an absolute one.
    private let relativeDirectory: String?
    /// It is below the app root, whoever may look into what is there.
    private let isInside: Bool
    /// The app's user; nil until the first start has found out who that is.
    private let identity: UserIdentity?

    package init(appRoot: String, restartDirectory: String, as identity: UserIdentity? = nil) {
        let isAbsolute = restartDirectory.utf8.first == UInt8(ascii: "/")
        self.appRoot = appRoot
        self.directory = isAbsolute ? restartDirectory : "\(appRoot)/\(restartDirectory)"
        self.relativeDirectory = isAbsolute ? nil : restartDirectory
        self.isInside =
            !isAbsolute
            && !restartDirectory.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
        self.identity = identity
    }

    package init(_ settings: AppSettings, as identity: UserIdentity? = nil) {
        self.init(appRoot: settings.appRoot, restartDirectory: settings.restartDirectory, as: identity)
    }

    // MARK: Without waiting

    /// Why a look without waiting came to no end.
    private enum Obstacle: Error {
        /// Some file system would have to be asked that may not answer.
        case wouldWait
        case absent
        /// No permission, a loop of links, an I/O error.
        case unknown

        init(_ error: SystemError) {
            self = error.isWouldBlock ? .wouldWait : error.isNotFound || error.isNotDirectory ? .absent : .unknown
        }
    }

    /// A look that never hangs: five system calls, and eight to take the user's rights and give them back where links lead on.
    ///
    /// `devices` are file systems that were found to be local. The directory is looked up in the caches of the kernel
    /// alone, and names in it only if it lies on one of those. nil: that does not suffice, `lookFromThread` tells more.
    package func lookWithoutWaiting(on devices: Set<UInt64>) -> RestartFacts? {
        guard CurrentProcess.isRoot else { return self.look(on: devices) }
        // Before the first start there is no process that a look could be quick for.
        guard let identity else { return nil }
        if let facts = self.lookWithoutLinks(on: devices) { return facts }
        do throws(SystemError) {
            return try identity.run { () throws(SystemError) in self.look(on: devices) }
        } catch {
            return RestartFacts(restartFile: .unknown)
        }
    }

    /// The usual case: no link is on the way, and so nothing can be seen but what is in the app root, whose user sees it all.
    ///
    /// nil: there may be links, or the caches do not suffice.
    private func lookWithoutLinks(on devices: Set<UInt64>) -> RestartFacts? {
        guard self.isInside else { return nil }
        do throws(SystemError) {
            let directory = try Self.checked(try OpenDirectory.openCachedWithoutLinks(self.directory), on: devices)
            guard let restart = try Self.plainFile(Self.restartName, in: directory),
                let alwaysRestart = try Self.plainFile(Self.alwaysRestartName, in: directory)
            else { return nil }
            return RestartFacts(restartFile: restart, alwaysRestart: alwaysRestart.isPresent)
        } catch {
            return error.isNotFound || error.isNotDirectory ? RestartFacts(restartFile: .absent) : nil
        }
    }

    /// nil for a link.
    private static func plainFile(
        _ name: String,
        in directory: borrowing OpenDirectory
    ) throws(SystemError) -> RestartFacts.RestartFile? {
        do throws(SystemError) {
            let status = try directory.cachedStatus(of: name)
            return status.isSymbolicLink ? nil : .present(modified: status.modificationTime, inode: status.inode)
        } catch  where error.isNotFound {
            return .absent
        }
    }

    private func look(on devices: Set<UInt64>) -> RestartFacts? {
        do throws(Obstacle) {
            let directory = try self.openWithoutWaiting(on: devices)
            return RestartFacts(
                restartFile: try self.restartFile(in: directory, on: devices),
                alwaysRestart: try self.hasAlwaysRestart(directory, on: devices)
            )
        } catch {
            switch error {
            case .wouldWait: return nil
            case .absent: return RestartFacts(restartFile: .absent)
            case .unknown: return RestartFacts(restartFile: .unknown)
            }
        }
    }

    private func openWithoutWaiting(on devices: Set<UInt64>) throws(Obstacle) -> OpenDirectory {
        do throws(SystemError) {
            return try Self.checked(try OpenDirectory.openCached(self.directory), on: devices)
        } catch  where error.isWouldBlock {
            guard let relativeDirectory else { throw .wouldWait }
            return try self.openBelowRoot(relativeDirectory, on: devices)
        } catch {
            throw Obstacle(error)
        }
    }

    /// Some file systems keep nothing in the caches about what they have not: an app without `tmp` is nothing unusual.
    private func openBelowRoot(_ path: String, on devices: Set<UInt64>) throws(Obstacle) -> OpenDirectory {
        do throws(SystemError) {
            let root = try Self.checked(try OpenDirectory.openCached(self.appRoot), on: devices)
            return try root.openDirectoryOnSameMount(path)
        } catch  where error.isNotFound || error.isNotDirectory {
            throw .absent
        } catch {
            // A link, or another mount.
            throw .wouldWait
        }
    }

    private func restartFile(
        in directory: borrowing OpenDirectory,
        on devices: Set<UInt64>
    ) throws(Obstacle) -> RestartFacts.RestartFile {
        do throws(Obstacle) {
            let status = try self.status(of: Self.restartName, in: directory, on: devices)
            return .present(modified: status.modificationTime, inode: status.inode)
        } catch {
            switch error {
            case .wouldWait: throw error
            case .absent: return .absent
            case .unknown: return .unknown
            }
        }
    }

    private func hasAlwaysRestart(
        _ directory: borrowing OpenDirectory,
        on devices: Set<UInt64>
    ) throws(Obstacle) -> Bool {
        do throws(Obstacle) {
            _ = try self.status(of: Self.alwaysRestartName, in: directory, on: devices)
            return true
        } catch {
            if case .wouldWait = error { throw error }
            return false
        }
    }

    private func status(
        of name: String,
        in directory: borrowing OpenDirectory,
        on devices: Set<UInt64>
    ) throws(Obstacle) -> CachedStatus {
        do throws(SystemError) {
            let status = try directory.cachedStatus(of: name)
            guard status.isSymbolicLink else { return status }
            return try Self.checked(try directory.openCached(name), on: devices).cachedStatus()
        } catch {
            throw Obstacle(error)
        }
    }

    private static func checked(
        _ place: consuming OpenDirectory,
        on devices: Set<UInt64>
    ) throws(SystemError) -> OpenDirectory {
        guard devices.contains(try place.cachedStatus().device) else { throw .wouldWait }
        return place
    }

    // MARK: From a thread

    /// A look that may hang, and that finds out which file systems the files are on.
    package func lookFromThread() -> RestartFileWatch.Look {
        guard CurrentProcess.isRoot, let identity else { return self.lookHere() }
        do throws(SystemError) {
            return try identity.run { () throws(SystemError) in self.lookHere() }
        } catch {
            return RestartFileWatch.Look(isRemote: false, facts: RestartFacts(restartFile: .unknown))
        }
    }

    private func lookHere() -> RestartFileWatch.Look {
        var devices: Set<UInt64> = []
        var isRemote = false
        let restart = "\(self.directory)/\(Self.restartName)"
        let alwaysRestart = "\(self.directory)/\(Self.alwaysRestartName)"
        for path in [self.appRoot, self.directory, restart, alwaysRestart] {
            // What cannot be opened cannot be looked into either.
            guard let place = try? OpenDirectory.openAnything(path) else { continue }
            if (try? place.isOnNetworkFileSystem()) ?? true {
                isRemote = true
            } else if let status = try? place.status() {
                devices.insert(status.device)
            }
        }
        let facts = RestartFacts(
            restartFile: self.restartFile(at: restart),
            alwaysRestart: self.restartFile(at: alwaysRestart).isPresent
        )
        return RestartFileWatch.Look(isRemote: isRemote, facts: facts, devices: devices)
    }

    private func restartFile(at path: String) -> RestartFacts.RestartFile {
        do throws(SystemError) {
            guard let status = try self.status(at: path) else { return .unknown }
            return .present(modified: status.modificationTime, inode: status.inode)
        } catch {
            return error.isNotFound || error.isNotDirectory ? .absent : .unknown
        }
    }
}

extension RestartFiles {
    /// Of what the path leads to; nil: nobody may know it.
    ///
    /// As long as it is not known whose app it is, root looks, and follows only links whose makers could look themselves:
    /// what they lead to is their own, or root made them.
    private func status(at path: String) throws(SystemError) -> FileStatus? {
        guard CurrentProcess.isRoot, self.identity == nil else { return try FileStatus(path: path) }
        let walked = try PathWalk.look(at: path)
        return LinkPolicy(rootOwner: nil, appUser: nil).refusal(of: walked.trail) == nil ? walked.status : nil
    }
}

extension RestartFacts.RestartFile {
    fileprivate var isPresent: Bool { if case .present = self { true } else { false } }

    fileprivate static func present(modified: FileTime, inode: UInt64) -> Self {
        .present(seconds: modified.seconds, nanoseconds: modified.nanoseconds, inode: inode)
    }
}

extension SystemError {
    /// As if the caches of the kernel had not sufficed.
    fileprivate static var wouldWait: SystemError { .wouldBlock(call: "openat2") }
}
