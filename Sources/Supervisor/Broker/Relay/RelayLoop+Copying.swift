// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// The byte path: about two system calls per direction and turn.
extension RelayLoop {
    /// Reads of one source before others get their turn.
    private static let readsPerTurn = 4

    /// Copies what `source` has, until it has nothing or `sink` takes no more.
    func pump(from source: RelayEnd, to sink: RelayEnd, of stream: RelayStream) {
        var reads = 0
        while stream.machine.mayRead(source.side) {
            guard reads < Self.readsPerTurn else {
                self.unfinished.append(stream)
                return
            }
            reads += 1
            do {
                switch try Transfers.read(source.number, into: self.scratch) {
                case .bytes(let count):
                    // A read that did not fill the buffer has emptied the socket: the next edge announces more.
                    stream.machine.read(source.side, count < self.scratch.count ? .some : .full)
                    self.deliver(UnsafeRawBufferPointer(rebasing: self.scratch[..<count]), to: sink, of: stream)
                case .wouldBlock: stream.machine.read(source.side, .nothing)
                case .endOfStream: stream.machine.read(source.side, .endOfFile)
                }
            } catch {
                // Reset by the far side: nothing more will come, and it had not read all that was sent (unix(7)).
                stream.machine.read(source.side, .failed)
                self.noteUnread(source, of: stream)
            }
        }
    }

    /// Writes at once; keeps what the socket did not take and asks for room only then.
    func deliver(_ bytes: UnsafeRawBufferPointer, to sink: RelayEnd, of stream: RelayStream) {
        guard bytes.count > 0 else { return }
        guard stream.machine[sink.side].output != .deaf else {
            self.noteUnread(sink, of: stream)
            return
        }
        guard sink.outbound.readableBytes == 0 else {
            sink.outbound.writeBytes(bytes)
            return
        }
        let sent: Int
        do {
            switch try Transfers.send(sink.number, bytes) {
            case .bytes(let count): sent = count
            case .wouldBlock, .endOfStream: sent = 0
            }
        } catch {
            self.deafen(sink, of: stream)
            return
        }
        guard sent < bytes.count else { return }
        stream.machine.filledUp(sink.side)
        sink.outbound.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
        self.watch(sink, of: stream, for: RelayEnd.eventsWhenFull)
    }

    /// Writes what is kept, as far as there is room.
    func flush(_ sink: RelayEnd, of stream: RelayStream) {
        let outcome = sink.outbound.withUnsafeReadableBytes { bytes in
            Result { () throws(SystemError) -> Transfer in try Transfers.send(sink.number, bytes) }
        }
        switch outcome {
        case .success(.bytes(let count)): sink.outbound.moveReaderIndex(forwardBy: count)
        case .success(.wouldBlock), .success(.endOfStream): break
        case .failure:
            self.deafen(sink, of: stream)
            return
        }
        guard sink.outbound.readableBytes == 0 else { return }
        // Gives the memory back: most streams never need it again.
        sink.outbound = ByteBuffer()
        stream.machine.emptied(sink.side)
        self.watch(sink, of: stream, for: RelayEnd.usualEvents)
    }

    /// The far side does not read any more, and what was to be written is lost.
    private func deafen(_ sink: RelayEnd, of stream: RelayStream) {
        stream.machine.failed(sink.side)
        sink.outbound = ByteBuffer()
        self.noteUnread(sink, of: stream)
    }

    private func noteUnread(_ end: RelayEnd, of stream: RelayStream) {
        if end.side == .app { self.unread.insert(stream.number, of: stream.group) }
    }

    func watch(_ end: RelayEnd, of stream: RelayStream, for events: Epoll.Events) {
        do {
            if let source = end.source { try self.loop.modify(source, for: events) }
        } catch {
            // Out of kernel memory: without events the stream would hang for ever.
            stream.machine.unwatchable(end.side)
            end.outbound = ByteBuffer()
        }
    }

    // MARK: Ends

    /// Passes ends of file on, and closes what has nothing left to do.
    func settle(_ stream: RelayStream) {
        guard !stream.isClosed, let app = stream.app else { return }
        let settlement = stream.machine.settled()
        for side in settlement.shuts {
            // Fails when the far side is gone, and then it needs no telling.
            try? Transfers.shutdownWrite(side == .app ? app.number : stream.front.number)
        }
        switch settlement.ending {
        case .goOn: break
        case .close: self.close(stream)
        case .closeSoon:
            let limit = MonotonicClock.now + Self.closingTime
            if stream.deadline.map({ $0.moment > limit }) != false { self.setDeadline(limit, of: stream) }
        case .abandon: self.abandon(stream, until: MonotonicClock.now + Self.closingTime)
        }
    }

    /// How long the app may take to notice that the front closed this stream while the front itself is still there.
    ///
    /// If it is not, `frontLost` comes within this time and sets a longer one.
    private static let closingTime: UInt64 = 1_000_000_000

    /// The front's end is of no more use: the app is told, and read to the end without anyone listening.
    func abandon(_ stream: RelayStream, until deadline: UInt64) {
        guard let app = stream.app, !stream.isConnecting else {
            self.close(stream)
            return
        }
        stream.phase = .draining
        stream.place = nil
        stream.machine.abandoned()
        stream.front.outbound = ByteBuffer()
        // A front that lives on, without its control connection, learns it here.
        try? Transfers.shutdownBoth(stream.front.number)
        self.setDeadline(deadline, of: stream)
        self.pump(from: app, to: stream.front, of: stream)
        self.settle(stream)
    }
}
