// SPDX-License-Identifier: MIT

import LinuxSystem

/// Writes the lines that one worker sends for access logs, on a thread of its own, where a slow disk holds nobody else.
///
/// The pipe fills up meanwhile, and then the worker's backlog.
final class AccessLogReceiver: Sendable {
    private let pipe: SharedDescriptor
    private let files: AccessLogFiles
    private let ended: WakeUp

    private init(_ pipe: SharedDescriptor, _ files: AccessLogFiles) throws(SystemError) {
        self.pipe = pipe
        self.files = files
        ended = try WakeUp()
    }

    /// `broken` is called, with a reason, when the worker sends what is none of its lines; nothing is read after that.
    static func start(
        _ pipe: SharedDescriptor,
        _ files: AccessLogFiles,
        broken: @escaping @Sendable (String) -> Void
    ) throws(SystemError) -> AccessLogReceiver {
        let receiver = try AccessLogReceiver(pipe, files)
        try OSThread.startDetached(name: "access-log") {
            receiver.run(broken)
            receiver.ended.wake()
        }
        return receiver
    }

    /// Waits until all is written that the worker has sent; to be called once it is gone.
    func waitForEnd(within limit: Duration) {
        // If it cannot be waited for, the thread ends all the same.
        _ = try? Poll.wait(ended.rawValue, for: .readable, timeout: limit)
    }

    private func run(_ broken: (String) -> Void) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        var frames = AccessLogFrames(logCount: files.count)
        // At the end of the stream, or when the pipe cannot be read, the worker is gone.
        while case .bytes(let count)? = try? Transfers.read(pipe.rawValue, into: buffer) {
            frames.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            reading: while true {
                switch frames.next() {
                case .lines(let lines, let log): files.write(lines, to: log)
                case .incomplete: break reading
                case .broken: return broken("what it sent for access logs is nothing of the kind")
                }
            }
        }
    }
}
