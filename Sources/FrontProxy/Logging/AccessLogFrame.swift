// SPDX-License-Identifier: MIT

import NIOCore

/// Lines of one access log on their way from a worker to its master: `u32` index of the log, `u32` length, the lines.
enum AccessLogFrame {
    /// The most bytes of lines in one frame, and so in the master's memory for one worker.
    static let maxBytes = 1 << 20

    /// Frames with all of `lines`, cut behind line feeds.
    static func frames(_ lines: [UInt8], of log: Int) -> [UInt8] {
        var frames: [UInt8] = []
        frames.reserveCapacity(lines.count + 16)
        var rest = lines[...]
        while !rest.isEmpty {
            var part = rest.prefix(maxBytes)
            if part.count < rest.count, let end = part.lastIndex(of: UInt8(ascii: "\n")) { part = rest[...end] }
            rest = rest[part.endIndex...]
            for number in [UInt32(log), UInt32(part.count)] {
                withUnsafeBytes(of: number.bigEndian) { frames.append(contentsOf: $0) }
            }
            frames += part
        }
        return frames
    }
}

/// Finds the frames in what a worker sends.
struct AccessLogFrames {
    enum Event: Equatable {
        case lines([UInt8], log: Int)
        case incomplete
        /// No frame begins like this.
        case broken
    }

    private let logCount: Int
    private var bytes = ByteBuffer()

    init(logCount: Int) {
        self.logCount = logCount
    }

    mutating func append(_ new: UnsafeRawBufferPointer) {
        bytes.discardReadBytes()
        bytes.writeBytes(new)
    }

    /// The next frame, which is taken out.
    mutating func next() -> Event {
        guard let log = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self),
            let length = bytes.getInteger(at: bytes.readerIndex + 4, as: UInt32.self)
        else { return .incomplete }
        guard log < logCount, length > 0, length <= AccessLogFrame.maxBytes else { return .broken }
        guard bytes.readableBytes >= 8 + Int(length) else { return .incomplete }
        bytes.moveReaderIndex(forwardBy: 8)
        guard let lines = bytes.readBytes(length: Int(length)) else { return .incomplete }
        return .lines(lines, log: Int(log))
    }
}
