// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc
import Synchronization

/// A file that is only appended to, by whole writes, and can be opened anew after rotation.
///
/// Safe from any thread.
package final class LogFile: Sendable {
    /// `nil` for standard error or a descriptor that was handed over.
    package let path: String?
    private let mode: UInt32
    private let current: Mutex<SharedDescriptor>

    /// Opens or creates the file.
    ///
    /// What is there stays; mode only counts for a new file.
    package init(path: String, mode: UInt32 = 0o644) throws(SystemError) {
        self.path = path
        self.mode = mode
        self.current = Mutex(try LogFile.open(path, mode: mode))
    }

    /// Writes to a descriptor that was opened elsewhere (by a master with more rights).
    package init(_ descriptor: consuming Descriptor) {
        self.path = nil
        self.mode = 0
        self.current = Mutex(SharedDescriptor(descriptor))
    }

    /// A log on the standard error of this process.
    ///
    /// A pipe or terminal is opened once more, not to block on a reader that takes nothing: the flag on the open file
    /// that was inherited would count for all who share it.
    package static func standardError() throws(SystemError) -> LogFile {
        if let kind = try? FileStatus(descriptor: STDERR_FILENO).kind, kind == .fifo || kind == .characterDevice,
            // Not possible without /proc, or on another user's terminal; then writes have to be asked for first.
            let own = try? open("/proc/self/fd/\(STDERR_FILENO)", mode: 0)
        {
            return LogFile(own)
        }
        return LogFile(try Descriptor.duplicating(STDERR_FILENO))
    }

    private init(_ descriptor: SharedDescriptor) {
        path = nil
        mode = 0
        current = Mutex(descriptor)
    }

    /// Without waiting: a FIFO without a reader is an `ENXIO`, and one with a slow reader takes no more than it can.
    private static func open(_ path: String, mode: UInt32) throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(
            Descriptor(
                owning: try checked("open", path) {
                    fp_open(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, mode)
                }
            )
        )
    }

    /// The descriptor in use, for handing it to a child; it stays valid while the answer is kept.
    package var descriptor: SharedDescriptor { current.withLock { $0 } }

    /// Appends with as few writes as possible: one `write` is never mixed with another one (`O_APPEND`).
    ///
    /// A log that cannot be written to (disk full) loses the text: there is nowhere left to say so.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        withExtendedLifetime(descriptor) { file in
            var rest = bytes
            while !rest.isEmpty {
                guard case .bytes(let count)? = try? Transfers.write(file.rawValue, rest), count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    package func write(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// Opens the path anew; on failure the old file stays in use.
    package func reopen() throws(SystemError) {
        guard let path else { return }
        let fresh = try LogFile.open(path, mode: mode)
        current.withLock { $0 = fresh }
    }

    /// Goes on with a descriptor that somebody else has opened.
    package func replace(with descriptor: consuming Descriptor) {
        let fresh = SharedDescriptor(descriptor)
        current.withLock { $0 = fresh }
    }

    /// Makes standard output and standard error of this process go to the file.
    package func takeStandardStreams() throws(SystemError) {
        let file = descriptor
        try file.descriptor.replace(STDOUT_FILENO)
        try file.descriptor.replace(STDERR_FILENO)
    }
}
