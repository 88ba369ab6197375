// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import Synchronization

/// One frame between master and worker.
///
/// On the socket: `u32` length of type and payload, `u8` type, payload. Descriptors travel with the first byte of the
/// frame that they belong to; a list that does not fit into one frame is sent ahead in frames of type 0.
struct ControlFrame: Equatable {
    enum Kind: UInt8 {
        case descriptors = 0
        /// Master: everything a worker starts with.
        case bootstrap = 1
        /// Master: logs were opened anew; the error log first, then the access logs.
        case reopenLogs = 2
        /// Master: finish what is under way, then end.
        case drain = 3
        /// Master: end now.
        case quit = 4
        /// Worker: connections are accepted.
        case ready = 16
        /// Worker: cannot start; the payload says why.
        case failed = 17
    }

    var kind: Kind
    var payload = ByteBuffer()
}

/// The sending half of the socket between master and worker; safe from any thread.
final class ControlChannel: Sendable {
    let descriptor: Descriptor
    /// Held while a frame is written.
    private let sending = Mutex(())

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
    }

    /// Sends a frame; waits while the other side does not read, which only happens with large ones.
    func send(_ frame: ControlFrame, descriptors: [Int32] = []) throws(SystemError) {
        try sending.withLock { (_) throws(SystemError) in
            var rest = descriptors[...]
            while rest.count > DescriptorPassing.maxDescriptors {
                let part = Array(rest.prefix(DescriptorPassing.maxDescriptors))
                rest = rest.dropFirst(part.count)
                try write(ControlFrame(kind: .descriptors), descriptors: part)
            }
            try write(frame, descriptors: Array(rest))
        }
    }

    private func write(_ frame: ControlFrame, descriptors: [Int32]) throws(SystemError) {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt32(frame.payload.readableBytes + 1))
        bytes.writeInteger(frame.kind.rawValue)
        bytes.writeImmutableBuffer(frame.payload)
        try DescriptorPassing.sendAll(bytes.readableBytesView, descriptors: descriptors, over: descriptor.rawValue)
    }
}

/// The receiving half; used by one thread.
final class ControlReader {
    /// Far above every configuration; only guards against a peer that is none of ours.
    private static let maxFrame: UInt32 = 256 << 20

    private let channel: ControlChannel
    private var bytes = ByteBuffer()
    private var arrived = DescriptorList()

    init(_ channel: ControlChannel) {
        self.channel = channel
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
        guard var message = try? DescriptorPassing.receive(limit: 65_536, from: channel.descriptor.rawValue) else {
            return false
        }
        while let descriptor = message.descriptors.takeFirst() { arrived.append(descriptor) }
        bytes.discardReadBytes()
        bytes.writeBytes(message.bytes)
        return !message.bytes.isEmpty
    }
}
