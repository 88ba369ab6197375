// SPDX-License-Identifier: MIT

/// The stream that systemd has connected to its journal for this program (`JOURNAL_STREAM`, systemd.exec(5)).
package struct JournalStream: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64

    /// Reads `DEVICE:INODE`, both decimal.
    package init?(parsing text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            Substring($0)
        }
        guard parts.count == 2, let device = UInt64(parts[0]), let inode = UInt64(parts[1]) else { return nil }
        self.device = device
        self.inode = inode
    }

    /// The one that the environment names; a program whose output was redirected since inherits the variable all the same.
    package static var ofEnvironment: JournalStream? {
        CurrentProcess.environment("JOURNAL_STREAM").flatMap { JournalStream(parsing: $0) }
    }

    /// Whether a descriptor is that stream.
    package func isConnected(to descriptor: Int32) -> Bool {
        // What cannot be looked at is no journal.
        guard let status = try? FileStatus(descriptor: descriptor) else { return false }
        return status.device == device && status.inode == inode
    }
}
