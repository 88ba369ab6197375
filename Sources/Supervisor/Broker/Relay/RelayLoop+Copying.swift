// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// The byte path: about two system calls per direction and turn.
extension RelayLoop {
    /// Reads of one source before others get their turn.
    private static let readsPerTurn = 4

    /// Copies what `source` has, until it has nothing or `sink` takes no more.
    func pump(from source: RelayEnd, to sink: RelayEnd, of stream: RelayStream) {
        var reads = 0
        while source.mayRead, !source.hasEnded, sink.outbound.readableBytes == 0 {
            guard reads < Self.readsPerTurn else {
                self.unfinished.append(stream)
                return
            }
            reads += 1
            switch self.read(source, of: stream) {
            case .bytes(let count):
                // A read that did not fill the buffer has emptied the socket: the next edge announces more. An end of
                // file that came with the data has no edge of its own.
                if count < self.scratch.count, !source.isEnding { source.mayRead = false }
                self.deliver(UnsafeRawBufferPointer(rebasing: self.scratch[..<count]), to: sink, of: stream)
            case .wouldBlock:
                source.mayRead = false
                // Somebody who inherited the socket keeps it open; the process itself will not say more.
                if stream.isProcessGone, source === stream.app { source.hasEnded = true }
            case .endOfStream:
                source.hasEnded = true
            }
        }
    }

    private func read(_ source: RelayEnd, of stream: RelayStream) -> Transfer {
        do {
            return try Transfers.read(source.number, into: self.scratch)
        } catch {
            // Reset by the far side: nothing more will come, and it had not read all that was sent (unix(7)).
            source.isHungUp = true
            self.noteUnread(source, of: stream)
            return .endOfStream
        }
    }

    /// Writes at once; keeps what the socket did not take and asks for room only then.
    func deliver(_ bytes: UnsafeRawBufferPointer, to sink: RelayEnd, of stream: RelayStream) {
        guard bytes.count > 0 else { return }
        guard !sink.isDeaf else {
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
        sink.outbound.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
        self.watch(sink, for: RelayEnd.eventsWhenFull)
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
        self.watch(sink, for: RelayEnd.usualEvents)
    }

    /// The far side does not read any more, and what was to be written is lost.
    private func deafen(_ sink: RelayEnd, of stream: RelayStream) {
        sink.isDeaf = true
        sink.outbound = ByteBuffer()
        self.noteUnread(sink, of: stream)
    }

    private func noteUnread(_ end: RelayEnd, of stream: RelayStream) {
        if stream.app === end { self.unread.insert(stream.number, of: stream.group) }
    }

    func watch(_ end: RelayEnd, for events: Epoll.Events) {
        do {
            if let source = end.source { try self.loop.modify(source, for: events) }
        } catch {
            // Out of kernel memory: without events the stream would hang for ever.
            end.isDeaf = true
            end.hasEnded = true
        }
    }

    // MARK: Ends

    /// Passes ends of file on, and closes what has nothing left to do.
    func settle(_ stream: RelayStream) {
        guard !stream.isClosed, let app = stream.app else { return }
        let front = stream.front
        if front.hasEnded { self.shutWriting(of: app) }
        if app.hasEnded { self.shutWriting(of: front) }
        let isAnswered = app.hasEnded && (front.isWriteShut || front.isDeaf)
        if isAnswered, front.hasEnded {
            self.close(stream)
        } else if isAnswered, app.isHungUp || app.isDeaf {
            // What the front has written meanwhile is to be known as unread: it closes when it has read to the end.
            let limit = MonotonicClock.now + Self.closingTime
            if stream.deadline.map({ $0.moment > limit }) != false { self.setDeadline(limit, of: stream) }
        } else if case .open = stream.phase, front.isDeaf || self.isGone(front, app) {
            self.abandon(stream, until: MonotonicClock.now + Self.closingTime)
        }
    }

    /// The front has closed, and what it had sent before is with the app, or the app does not take it.
    private func isGone(_ front: RelayEnd, _ app: RelayEnd) -> Bool {
        front.isHungUp && (front.hasEnded || app.outbound.readableBytes > 0)
    }

    /// How long the app may take to notice that the front closed this stream while the front itself is still there.
    ///
    /// If it is not, `frontLost` comes within this time and sets a longer one.
    private static let closingTime: UInt64 = 1_000_000_000

    private func shutWriting(of end: RelayEnd) {
        guard !end.isWriteShut, end.outbound.readableBytes == 0 else { return }
        end.isWriteShut = true
        // Fails when the far side is gone, and then it needs no telling.
        try? Transfers.shutdownWrite(end.number)
    }

    /// The front's end is of no more use: the app is told, and read to the end without anyone listening.
    func abandon(_ stream: RelayStream, until deadline: UInt64) {
        guard let app = stream.app, !stream.isConnecting else {
            self.close(stream)
            return
        }
        stream.phase = .draining
        stream.front.isDeaf = true
        stream.front.outbound = ByteBuffer()
        stream.front.hasEnded = true
        // A front that lives on, without its control connection, learns it here.
        try? Transfers.shutdownBoth(stream.front.number)
        self.setDeadline(deadline, of: stream)
        self.pump(from: app, to: stream.front, of: stream)
        self.settle(stream)
    }
}
