// SPDX-License-Identifier: MIT

import LinuxSystem

/// Where lines go: a file or an inherited descriptor.
///
/// Used under the lock of `LogOutput` only.
package protocol LogSink: AnyObject {
    /// Whether its reader takes a priority in front of each line (sd-daemon(3)).
    var takesPriorities: Bool { get }
    /// Appends with one `write`; may take a part only, and must not block.
    func append(_ bytes: UnsafeRawBufferPointer) -> SinkResult
    /// Opens the target anew by its name; on failure the old one stays in use.
    func reopen() throws
    /// What another thread calls to wait until the sink takes bytes again, or the time is over.
    func waiter() -> @Sendable (Duration) -> Void
}

package enum SinkResult: Equatable {
    /// The number of bytes taken.
    case wrote(Int)
    /// The reader of the pipe or terminal is behind.
    case busy
    /// For one sentence: "No space left on device".
    case failed(reason: String)
}

/// A log file, or the standard error of the program.
final class FileSink: LogSink {
    private enum Kind {
        /// Takes all there is room for, at once.
        case file
        /// A pipe or terminal. Asked first: it may be set to block, where it could not be opened once more.
        case stream
        /// The journal's.
        case socket
    }

    private let file: LogFile
    private let kind: Kind
    let takesPriorities: Bool
    /// Standard output and error of the program go to the file, too: the last words of a crash.
    private let takesStandardStreams: Bool
    /// What a pipe takes in one piece, and without blocking when it is writable at all (PIPE_BUF, pipe(7)).
    private static let chunk = 4096

    init(path: String, takesStandardStreams: Bool) throws(SinkProblem) {
        self.file = try LogFile(path: path)
        self.kind = Self.kind(of: self.file)
        self.takesPriorities = false
        self.takesStandardStreams = takesStandardStreams
        guard takesStandardStreams else { return }
        do throws(SystemError) {
            try self.file.takeStandardStreams()
        } catch {
            throw .system(error)
        }
    }

    init(standardError: Void) throws(SystemError) {
        self.file = try LogFile.standardError()
        self.kind = Self.kind(of: self.file)
        self.takesPriorities = Self.isJournal(self.file)
        self.takesStandardStreams = false
    }

    init(_ file: LogFile) {
        self.file = file
        self.kind = Self.kind(of: file)
        self.takesPriorities = Self.isJournal(file)
        self.takesStandardStreams = false
    }

    private static func isJournal(_ file: LogFile) -> Bool {
        JournalStream.ofEnvironment?.isConnected(to: file.descriptor.rawValue) ?? false
    }

    private static func kind(of file: LogFile) -> Kind {
        // If its kind cannot be told, it is asked like a pipe.
        switch try? FileStatus(descriptor: file.descriptor.rawValue).kind {
        case .regular: .file
        case .socket: .socket
        default: .stream
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer) -> SinkResult {
        let descriptor = self.file.descriptor
        do throws(SystemError) {
            switch try self.write(bytes, to: descriptor.rawValue) {
            case .bytes(let count): return .wrote(count)
            case .wouldBlock, .endOfStream: return .busy
            }
        } catch {
            return .failed(reason: error.reason)
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) -> Transfer {
        switch self.kind {
        case .file:
            return try Transfers.write(descriptor, bytes)
        case .socket:
            return try Transfers.sendWithoutWaiting(descriptor, bytes)
        case .stream:
            guard try !Poll.wait(descriptor, for: .writable, timeout: .zero).isEmpty else { return .wouldBlock }
            return try Transfers.write(descriptor, Self.wholeLines(of: bytes))
        }
    }

    /// Lines that a pipe takes in one piece, so that lines of other processes are not written into them.
    private static func wholeLines(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard bytes.count > self.chunk else { return bytes }
        let part = bytes.prefix(self.chunk)
        guard let end = part.lastIndex(of: UInt8(ascii: "\n")) else { return UnsafeRawBufferPointer(rebasing: part) }
        return UnsafeRawBufferPointer(rebasing: bytes[...end])
    }

    func reopen() throws {
        try self.file.reopen()
        if self.takesStandardStreams { try self.file.takeStandardStreams() }
    }

    func waiter() -> @Sendable (Duration) -> Void {
        let descriptor = self.file.descriptor
        // A failed wait means that the next write will tell.
        return { limit in _ = try? Poll.wait(descriptor.rawValue, for: .writable, timeout: limit) }
    }
}
