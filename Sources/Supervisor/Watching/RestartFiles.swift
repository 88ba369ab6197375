// SPDX-License-Identifier: MIT

package import AppSettings
package import ApplicationPool
import LinuxSystem

/// Where an app's restart files are, and a look at them.
///
/// The paths go through the app root as it was configured: `current` may point to another release at any time. Of the
/// files only existence, identity and time are used; they are not opened, so it does not matter what they are.
package struct RestartFiles: Sendable, Equatable {
    /// Native strings end with a NUL byte: they go to the kernel as they are.
    private let appRoot: String
    private let directory: String
    private let restart: String
    private let alwaysRestart: String

    package init(appRoot: String, restartDirectory: String) {
        let isAbsolute = restartDirectory.utf8.first == UInt8(ascii: "/")
        self.appRoot = appRoot
        self.directory = isAbsolute ? restartDirectory : "\(appRoot)/\(restartDirectory)"
        self.restart = "\(self.directory)/restart.txt"
        self.alwaysRestart = "\(self.directory)/always_restart.txt"
    }

    package init(_ settings: AppSettings) {
        self.init(appRoot: settings.appRoot, restartDirectory: settings.restartDirectory)
    }

    /// Two stat(2) calls, about a microsecond on a local file system; on others it may hang.
    package func look() -> RestartFacts {
        RestartFacts(restartFile: self.lookAtRestartFile(), alwaysRestart: self.exists(self.alwaysRestart))
    }

    /// Whether a look may take a network round trip, or hang; so may this.
    package func areOnNetworkFileSystem() -> Bool {
        [self.appRoot, self.directory].contains { path in
            // What cannot be opened cannot hang either; the next look will tell more.
            (try? OpenDirectory.open(path).isOnNetworkFileSystem()) ?? false
        }
    }

    private func lookAtRestartFile() -> RestartFacts.RestartFile {
        do throws(SystemError) {
            let status = try FileStatus(path: self.restart)
            return .present(modifiedNanoseconds: status.modificationTime, inode: status.inode)
        } catch {
            return error.isNotFound || error.isNotDirectory ? .absent : .unknown
        }
    }

    private func exists(_ path: String) -> Bool {
        do throws(SystemError) {
            _ = try FileStatus(path: path)
            return true
        } catch {
            return false
        }
    }
}
