// SPDX-License-Identifier: MIT

import LinuxSystem

/// Where lines go: a file or an inherited descriptor.
///
/// Used under the lock of `LogOutput` only.
package protocol LogSink: AnyObject {
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
    private let file: LogFile
    /// Files of a disk never block and report readiness always; pipes and terminals are asked first.
    private let mayBlock: Bool
    /// Standard output and error of the program go to the file, too: the last words of a crash.
    private let takesStandardStreams: Bool
    /// What a pipe takes without blocking when it is writable at all (PIPE_BUF, pipe(7)).
    private static let chunk = 4096

    init(path: String, takesStandardStreams: Bool) throws(SystemError) {
        self.file = try LogFile(path: path)
        self.mayBlock = Self.mayBlock(self.file)
        self.takesStandardStreams = takesStandardStreams
        if takesStandardStreams { try self.file.takeStandardStreams() }
    }

    init(standardError: Void) throws(SystemError) {
        self.file = try LogFile.standardError()
        self.mayBlock = Self.mayBlock(self.file)
        self.takesStandardStreams = false
    }

    init(_ file: LogFile) {
        self.file = file
        self.mayBlock = Self.mayBlock(file)
        self.takesStandardStreams = false
    }

    private static func mayBlock(_ file: LogFile) -> Bool {
        // If its kind cannot be told, it is asked like a pipe.
        guard let status = try? FileStatus(descriptor: file.descriptor.rawValue) else { return true }
        return status.kind != .regular
    }

    func append(_ bytes: UnsafeRawBufferPointer) -> SinkResult {
        let descriptor = self.file.descriptor
        do throws(SystemError) {
            var part = bytes
            if self.mayBlock {
                guard try !Poll.wait(descriptor.rawValue, for: .writable, timeout: .zero).isEmpty else { return .busy }
                part = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.chunk))
            }
            switch try Transfers.write(descriptor.rawValue, part) {
            case .bytes(let count): return .wrote(count)
            case .wouldBlock, .endOfStream: return .busy
            }
        } catch {
            return .failed(reason: error.reason)
        }
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
