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
    private let current: Mutex<SharedDescriptor>

    /// Opens or creates the file; one that is new may be read by root and the group `adm`.
    ///
    /// `/dev/stdout`, `/dev/stderr` and `/dev/fd/N` are the descriptors of those numbers, as they are: a socket (the
    /// journal's) could not be opened by its name.
    ///
    /// - Throws: for root also when others could lead the path elsewhere.
    package convenience init(path: String) throws(SinkProblem) {
        guard let number = SinkPlace.descriptor(named: path) else {
            try self.init(path, SharedDescriptor(SinkPlace.open(path)))
            return
        }
        do throws(SystemError) {
            try self.init(nil, number == STDERR_FILENO ? Self.openStandardError() : Self.duplicate(number))
        } catch {
            throw .system(error)
        }
    }

    /// What would keep this process from a log there, because others could lead it elsewhere; nil: nothing.
    package static func problem(at path: String) -> SinkProblem? { SinkPlace.problem(path, of: .log) }

    private init(_ path: String?, _ descriptor: SharedDescriptor) {
        self.path = path
        self.current = Mutex(descriptor)
    }

    /// Writes to a descriptor that was opened elsewhere (by a master with more rights).
    package convenience init(_ descriptor: consuming Descriptor) { self.init(nil, SharedDescriptor(descriptor)) }

    /// A log on the standard error of this process.
    package static func standardError() throws(SystemError) -> LogFile { LogFile(nil, try openStandardError()) }

    /// A pipe or terminal is opened once more, not to block on a reader that takes nothing: the flag on the open file
    /// that was inherited would count for all who share it.
    private static func openStandardError() throws(SystemError) -> SharedDescriptor {
        if let kind = try? FileStatus(descriptor: STDERR_FILENO).kind, kind == .fifo || kind == .characterDevice,
            // Not possible without /proc, or on another user's terminal; then writes have to be asked for first.
            let own = try? openAgain(STDERR_FILENO)
        {
            return own
        }
        return try duplicate(STDERR_FILENO)
    }

    private static func openAgain(_ number: Int32) throws(SystemError) -> SharedDescriptor {
        let path = "/proc/self/fd/\(number)"
        let flags = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK
        return SharedDescriptor(
            Descriptor(owning: try checked("open", path) { fp_open(AT_FDCWD, path, flags, 0) })
        )
    }

    private static func duplicate(_ number: Int32) throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(try Descriptor.duplicating(number))
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
    package func reopen() throws(SinkProblem) {
        guard let path else { return }
        let fresh = SharedDescriptor(try SinkPlace.open(path))
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
