// SPDX-License-Identifier: MIT

import AppSettings
package import LinuxSystem
package import WireProtocol

/// The directory of a running daemon in the instance registry, 0755 with a part below it that only the daemon may enter.
///
///     passenger.Ab3dE5g/          0755
///       instance.json             who the daemon is and where it listens
///       admin.sock                0666; rights are decided by the peer's user
///       lock                      held by the watchdog as long as it lives
///       apps/                     0700; sockets of app processes
///       processes/                0700; which processes there are, for a successor of a daemon that was killed
///       control-group             0600; where the control group is that holds all app processes
///       failures/                 0700; details of the latest failures, one file each
///       loaders/                  loaders and the libraries that they offer to apps
package struct InstanceDirectory: Sendable {
    package let path: String

    package var name: String {
        let last = self.path.pathComponents.last ?? self.path
        let prefix = InstanceRecord.directoryPrefix.utf8
        return last.utf8.starts(with: prefix) ? String(Substring(last.utf8.dropFirst(prefix.count))) : last
    }

    package var adminSocketPath: String { self.path + "/" + InstanceRecord.adminSocketName }
    package var appsPath: String { self.path + "/apps" }
    package var processesPath: String { self.path + "/processes" }
    package var controlGroupPath: String { self.path + "/control-group" }
    package var failuresPath: String { self.path + "/failures" }
    package var loadersPath: String { self.path + "/loaders" }
    package var recordPath: String { self.path + "/" + InstanceRecord.fileName }
    var lockPath: String { self.path + "/" + InstanceRecord.lockName }

    package init(path: String) {
        self.path = path
    }

    /// One that this process has made, with the lock that says so.
    struct Held: ~Copyable {
        let directory: InstanceDirectory
        let lock: FileLock
    }

    /// Makes a new one.
    static func create(in registry: String) throws(SystemError) -> Held {
        while true {
            let directory = InstanceDirectory(path: registry + "/" + InstanceRecord.directoryPrefix + self.randomName())
            do {
                try Files.makeDirectory(directory.path, mode: 0o700)
            } catch  where error.isAlreadyExists {
                continue
            }
            let lock = try FileLock.acquire(directory.lockPath)
            try Files.makeDirectory(directory.appsPath, mode: 0o700)
            try Files.makeDirectory(directory.processesPath, mode: 0o700)
            try Files.makeDirectory(directory.failuresPath, mode: 0o700)
            try Files.setMode(directory.path, 0o755)
            return Held(directory: directory, lock: lock)
        }
    }

    /// Removes the sockets that a core which has ended has left.
    func removeSockets() {
        // What cannot be removed is replaced, or removed with the directory.
        for name in (try? Files.list(self.appsPath)) ?? [] { try? Files.remove(self.appsPath + "/" + name) }
    }

    /// Makes the daemon known; the last step, because tools take a directory with a record for a running daemon.
    func publish(_ record: InstanceRecord) throws {
        try Files.write(try record.json(), to: self.recordPath)
    }

    package func record() throws(SystemError) -> InstanceRecord? {
        InstanceRecord(json: try Files.read(self.recordPath, limit: 65_536))
    }

    /// Seven letters and digits.
    static func randomName() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        // A slight preference for some letters does no harm: the name need not be secret.
        return String(decoding: RandomBytes.bytes(7).map { letters[Int($0) % letters.count] }, as: UTF8.self)
    }
}
