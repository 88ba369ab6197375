// SPDX-License-Identifier: MIT

import AppTransport
import LinuxSystem
import NIOCore

/// The socket of one stream, and how its end looks to the stream; confined to its event loop.
final class StreamTransport {
    /// nil once the stream has ended.
    private var stream: AppStream?
    /// Of an app's own socket, so that it can be shut whatever has become of ours; nil: the daemon copies.
    private var duplicate: SharedDescriptor?
    private var socket: StreamSocket?

    init(_ stream: AppStream, duplicate: SharedDescriptor?) {
        self.stream = stream
        self.duplicate = duplicate
    }

    /// Begins to use a connected socket; nothing if somebody else has taken it.
    func open(_ socket: TravellingDescriptor, on loop: SocketLoop) throws(SystemError) {
        guard let descriptor = socket.take() else { return }
        self.socket = try StreamSocket(descriptor, on: loop, owner: self)
    }

    var isWritable: Bool { self.socket?.isWritable ?? false }

    func write(_ bytes: ByteBuffer) { self.socket?.write(bytes) }

    func endOutput() { self.socket?.endOutput() }

    func pauseReading() { self.socket?.pauseReading() }

    func resumeReading() { self.socket?.resumeReading() }

    /// Closes the socket; the stream hears nothing more.
    ///
    /// The daemon has the app's socket as well, so that closing it would tell the app nothing: it is shut before. With
    /// `leavesRest` it is shut for writing only, and the daemon sees the end of what the app still says.
    func end(leavesRest: Bool) {
        self.stream = nil
        if let duplicate {
            self.duplicate = nil
            // Fails where the app is gone already.
            if leavesRest {
                try? Transfers.shutdownWrite(duplicate.rawValue)
            } else {
                try? Transfers.shutdownBoth(duplicate.rawValue)
            }
        }
        self.socket?.close()
    }
}

extension StreamTransport: StreamSocketOwner {
    func socketReceived(_ bytes: ByteBuffer) { self.stream?.received(bytes) }

    func socketInputEnded() { self.stream?.ended(.endOfFile) }

    func socketBecameWritable() { self.stream?.becameWritable() }

    func socketClosed(_ end: StreamSocket.End) {
        self.socket = nil
        self.stream?.ended(self.meaning(of: end))
    }

    private func meaning(of end: StreamSocket.End) -> StreamMachine.End {
        switch end {
        case .failed(let error): error.isConnectionReset ? .reset : .broken
        // An app's own socket did not take what was written; the daemon closes what it cannot pass on.
        case .outputFailed: self.duplicate == nil ? .endOfFile : .reset
        case .hungUp, .closed: .endOfFile
        }
    }
}
