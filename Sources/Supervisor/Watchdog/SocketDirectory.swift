// SPDX-License-Identifier: MIT

import LinuxSystem
import WireProtocol

/// The directory of the socket that documents, units and examples name: after a boot nobody has made it yet.
enum SocketDirectory {
    static let standardSocket = "\(InstanceRegistry.rootDirectory)/daemon.sock"

    /// Makes the standard directory if the socket lies in it and this is root; every other one is its owner's business.
    static func make(for socket: String) throws(StartProblem) {
        guard CurrentProcess.effectiveUID == 0, directory(of: socket) == InstanceRegistry.rootDirectory else { return }
        try make(InstanceRegistry.rootDirectory, owner: 0)
    }

    /// Makes a directory that only `owner` may fill, and refuses whatever else has its name, links included.
    static func make(_ path: String, owner: UInt32) throws(StartProblem) {
        let status: FileStatus
        do throws(SystemError) {
            do throws(SystemError) {
                try Files.makeDirectory(path, mode: 0o755)
            } catch  where error.isAlreadyExists {
                // Looked at below.
            }
            status = try FileStatus(path: path, followingLinks: false)
        } catch {
            throw StartProblem("Cannot make the directory \(path) for the socket: \(error.reason) (\(error.call)).")
        }
        guard status.kind == .directory, status.owner == owner, !status.isWritableByGroup, !status.isWritableByOthers
        else {
            throw StartProblem(
                "\(path), the directory of the socket, must be a directory that belongs to uid \(owner) and that nobody "
                    + "else may write to; it has uid \(status.owner) and mode \(String(status.mode, radix: 8)). "
                    + "Remove it, or choose another --socket-file."
            )
        }
    }

    static func directory(of path: String) -> String {
        let bytes = path.utf8
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == bytes.startIndex ? "/" : String(path[..<slash])
    }
}
