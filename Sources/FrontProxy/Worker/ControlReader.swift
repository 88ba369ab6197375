// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// One frame from a master to a worker; the other way there are only `WorkerReport`s.
///
/// On the socket: `u32` length of type and payload, `u8` type, payload. Descriptors travel with the first byte of the
/// frame that they belong to; a list that does not fit into one frame is sent ahead in frames of type 0.
struct ControlFrame: Equatable {
    enum Kind: UInt8 {
        case descriptors = 0
        /// Everything a worker starts with.
        case bootstrap = 1
        /// Finish what is under way, then end.
        case drain = 3
        /// End now.
        case quit = 4
    }

    var kind: Kind
    var payload = ByteBuffer()

    func encoded() -> [UInt8] {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt32(payload.readableBytes + 1))
        bytes.writeInteger(kind.rawValue)
        bytes.writeImmutableBuffer(payload)
        return Array(buffer: bytes)
    }
}

/// What a worker hears from its master, on its end of their socket, which blocks; used by one thread.
final class ControlReader {
    /// Far above every configuration; only guards against a peer that is none of ours.
    private static let maxFrame: UInt32 = 256 << 20

    let socket: SharedDescriptor
    private var bytes = ByteBuffer()
    private var arrived = DescriptorList()

    init(_ socket: SharedDescriptor) {
        self.socket = socket
    }

    /// The next frame, waiting for it; nil when the other side has gone or makes no sense.
    func next() -> ControlFrame? {
        while true {
            if let frame = cut() {
                guard let frame = frame.value else { return nil }
                if frame.kind != .descriptors { return frame }
                continue
            }
            guard receive() else { return nil }
        }
    }

    /// The descriptors that came with the last frame and the ones sent ahead of it.
    func takeDescriptors() -> DescriptorList {
        var taken = DescriptorList()
        swap(&taken, &arrived)
        return taken
    }

    /// A frame, or none of a known kind; nil if bytes are missing.
    private func cut() -> (value: ControlFrame?, Void)? {
        guard let length = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self) else { return nil }
        guard length >= 1, length <= Self.maxFrame else { return (nil, ()) }
        guard bytes.readableBytes >= Int(length) + 4 else { return nil }
        bytes.moveReaderIndex(forwardBy: 4)
        guard let raw = bytes.readInteger(as: UInt8.self), let kind = ControlFrame.Kind(rawValue: raw),
            let payload = bytes.readSlice(length: Int(length) - 1)
        else { return (nil, ()) }
        return (ControlFrame(kind: kind, payload: payload), ())
    }

    /// False at the end of the stream.
    private func receive() -> Bool {
        // An error means that the other side is gone, as the end of the stream does.
        guard var message = try? DescriptorPassing.receive(limit: 65_536, from: socket.rawValue) else {
            return false
        }
        while let descriptor = message.descriptors.takeFirst() { arrived.append(descriptor) }
        bytes.discardReadBytes()
        bytes.writeBytes(message.bytes)
        return !message.bytes.isEmpty
    }
}
