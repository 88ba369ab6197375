// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// Whom the bytes of a socket are for; on its loop.
protocol StreamSocketOwner: AnyObject {
    /// At least one byte.
    func socketReceived(_ bytes: ByteBuffer)
    /// The peer sends nothing more, and all that it sent has been received.
    func socketInputEnded()
    /// What waited is on its way; told after `isWritable` was false.
    func socketBecameWritable()
    /// It is closed, by whomever; nothing follows.
    func socketClosed(_ end: StreamSocket.End)
}

/// A connected stream socket: bytes both ways, back-pressure, and how it ends; confined to its loop.
///
/// What is written goes to the kernel at once, and waits here only for what the kernel does not take. It is registered once,
/// edge-triggered: readiness is remembered here, so that to stop reading and to go on costs no system call. It keeps itself and
/// its owner alive until it is closed.
final class StreamSocket {
    /// How it ended.
    enum End: Equatable {
        /// Its owner closed it.
        case closed
        /// The peer has closed both ways.
        case hungUp
        /// The peer does not take what is written; what it sent before was received.
        case outputFailed
        case failed(SystemError)
    }

    /// Bytes that may wait.
    struct Marks {
        /// It takes more again when no more than this is left.
        var low = 64 * 1024
        /// From here on it should be given no more.
        var high = 256 * 1024
    }

    /// Reads before others of the loop have their turn.
    private static let readsPerTurn = 4
    /// A read of so many bytes is one of many: the next ones need not be copied.
    private static let bulkBytes = 16 * 1024
    /// What waits in pieces smaller than this is put together.
    private static let pieceBytes = 16 * 1024

    private let loop: SocketLoop
    /// Owned until it is closed.
    let number: Int32
    private let marks: Marks
    /// What the peer sent before it left is of use: it waits until it is read, for as long as reading is paused.
    private let keepsInput: Bool
    private var owner: (any StreamSocketOwner)?
    private var source: EpollLoop.Source?

    /// The kernel has not yet said that there is nothing.
    private var mayHaveInput = false
    private var isReading = false
    private var isReadingDue = false
    private var isBulk = false
    private var hasInputEnded = false
    /// A read that was not filled says nothing any more: there is an end behind what can be read.
    private var readsToTheEnd = false
    private var hasHungUp = false

    private var waiting: [ByteBuffer] = []
    private(set) var waitingBytes = 0
    private var listensForRoom = false
    private var isAboveMark = false
    private var isOutputBroken = false
    private var isOutputEnding = false
    /// Bytes that the kernel has taken since the beginning.
    private var takenBytes = 0
    private var completions: [(end: Int, body: (Bool) -> Void)] = []

    private(set) var isOpen = true

    /// Takes the descriptor over, also when it throws.
    init(
        _ descriptor: consuming Descriptor,
        on loop: SocketLoop,
        owner: any StreamSocketOwner,
        marks: Marks = Marks(),
        keepsInput: Bool = true
    ) throws(SystemError) {
        self.loop = loop
        self.marks = marks
        self.keepsInput = keepsInput
        self.owner = owner
        number = descriptor.rawValue
        source = try loop.epoll.add(number, for: Self.input) { [self] events in ready(events) }
        _ = descriptor.release()
    }

    private static let input: Epoll.Events = [.readable, .peerShutdown, .urgent, .edgeTriggered]

    // MARK: Reading

    private(set) var isReadingPaused = false

    /// Leaves what comes with the kernel until `resumeReading`.
    func pauseReading() { isReadingPaused = true }

    /// Goes on after the present turn.
    func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        readLater()
    }

    private func readLater() {
        guard mayHaveInput, !isReading, !isReadingDue else { return }
        isReadingDue = true
        loop.afterTurn {
            self.isReadingDue = false
            self.readOn()
        }
    }

    private func ready(_ events: Epoll.Events) {
        // Nor does a read go beyond urgent data at once (tcp(7)): behind those it is read until there is nothing.
        if events.hasAny(of: .endsOrUrgent) { readsToTheEnd = true }
        if events.hasAny(of: .ofAllWays) { hasHungUp = true }
        if events.hasAny(of: .writable) { writeOn() }
        mayHaveInput = true
        readOn()
    }

    private func readOn() {
        guard !isReading else { return }
        isReading = true
        var reads = 0
        while mayRead, reads < Self.readsPerTurn {
            readOnce()
            reads += 1
        }
        isReading = false
        if mayRead { return readLater() }
        // Nobody will read the rest, or there is none.
        guard hasInputEnded || (isReadingPaused && !keepsInput) else { return }
        if hasHungUp { end(.hungUp) } else if isOutputBroken { end(.outputFailed) }
    }

    private var mayRead: Bool { mayHaveInput && !isReadingPaused && isOpen && !hasInputEnded }

    private func readOnce() {
        do throws(SystemError) {
            var (outcome, bytes) = try isBulk ? readBulk() : readSmall()
            switch outcome {
            case .bytes(let count):
                // A piece that may be kept for long takes no more room than it has bytes.
                if isBulk, count < Self.bulkBytes { bytes = ByteBuffer(bytes: bytes.readableBytesView) }
                isBulk = count >= Self.bulkBytes
                // A read that was not filled has left nothing; what comes then is told anew (epoll(7)).
                if count < loop.scratch.count, !readsToTheEnd { mayHaveInput = false }
                owner?.socketReceived(bytes)
            case .wouldBlock: inputEmptied()
            case .endOfStream:
                hasInputEnded = true
                inputEmptied()
                if isOpen { owner?.socketInputEnded() }
            }
        } catch {
            mayHaveInput = false
            // What broke first counts.
            end(isOutputBroken ? .outputFailed : .failed(error))
        }
    }

    /// The usual piece is small and ends up in a buffer of its size.
    private func readSmall() throws(SystemError) -> (Transfer, ByteBuffer) {
        let scratch = loop.scratch
        let outcome = try Transfers.readWithoutWaiting(number, into: scratch)
        guard case .bytes(let count) = outcome else { return (outcome, ByteBuffer()) }
        return (outcome, ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: scratch[..<count])))
    }

    private func readBulk() throws(SystemError) -> (Transfer, ByteBuffer) {
        let size = loop.scratch.count
        var bytes = ByteBufferAllocator().buffer(capacity: size)
        var result = Result<Transfer, SystemError>.success(.wouldBlock)
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            result = Result { () throws(SystemError) in
                try Transfers.readWithoutWaiting(number, into: UnsafeMutableRawBufferPointer(rebasing: room[..<size]))
            }
            guard case .success(.bytes(let count)) = result else { return 0 }
            return count
        }
        return (try result.get(), bytes)
    }

    private func inputEmptied() {
        mayHaveInput = false
        if isOutputBroken { end(.outputFailed) }
    }

    // MARK: Writing

    /// False from the high mark to the low one, and when nothing is taken any more.
    var isWritable: Bool { isOpen && !isAboveMark && !isOutputBroken }

    /// Bytes for a peer that takes none have come to the high mark, and have not gone down to the low one since.
    var waitsForRoom: Bool { isAboveMark }

    func write(_ bytes: ByteBuffer) {
        guard takesOutput, bytes.readableBytes > 0 else { return }
        guard waiting.isEmpty else { return append(bytes) }
        keep(bytes, from: send { () throws(SystemError) in try bytes.sendWithoutWaiting(to: number) })
    }

    /// Writes both with one call.
    func write(_ first: ByteBuffer, _ second: ByteBuffer) {
        guard first.readableBytes > 0, second.readableBytes > 0, waiting.isEmpty, takesOutput else {
            write(first)
            return write(second)
        }
        let sent = send { () throws(SystemError) in try first.sendWithoutWaiting(with: second, to: number) }
        keep(first, from: sent)
        keep(second, from: sent - first.readableBytes)
    }

    /// `body` hears when the kernel has taken all that was written before, perhaps at once, or false: it never will.
    func whenTaken(_ body: @escaping (Bool) -> Void) {
        if !isOpen || isOutputBroken { return body(false) }
        if waiting.isEmpty { return body(true) }
        completions.append((takenBytes + waitingBytes, body))
    }

    /// Tells the peer that nothing follows what was written.
    func endOutput() {
        guard takesOutput else { return }
        isOutputEnding = true
        if waiting.isEmpty { shutOutput() }
    }

    private var takesOutput: Bool { isOpen && !isOutputBroken && !isOutputEnding }

    /// How many bytes the kernel took; after an error all of them, for nobody.
    private func send(_ body: () throws(SystemError) -> Transfer) -> Int {
        do throws(SystemError) {
            guard case .bytes(let count) = try body() else { return 0 }
            takenBytes += count
            return count
        } catch {
            outputBroke()
            return .max
        }
    }

    private func keep(_ bytes: ByteBuffer, from sent: Int) {
        guard sent < bytes.readableBytes else { return }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: max(0, sent))
        append(rest)
    }

    private func append(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard count > 0 else { return }
        // What is gone of a piece still takes its place: one that never runs empty must not grow for ever.
        let last = waiting.count - 1
        if last >= 0, waiting[last].writerIndex + count <= Self.pieceBytes {
            waiting[last].writeImmutableBuffer(bytes)
        } else {
            waiting.append(bytes)
        }
        waitingBytes += count
        if waitingBytes > marks.high { isAboveMark = true }
        listen(forRoom: true)
    }

    /// There is room again.
    private func writeOn() {
        var done = 0
        while done < waiting.count, isOpen, !isOutputBroken {
            let piece = waiting[done]
            let sent = send { () throws(SystemError) in try piece.sendWithoutWaiting(to: number) }
            guard !isOutputBroken else { return }
            waitingBytes -= sent
            guard sent == piece.readableBytes else {
                waiting[done].moveReaderIndex(forwardBy: sent)
                break
            }
            done += 1
        }
        waiting.removeFirst(done)
        if waiting.isEmpty {
            listen(forRoom: false)
            if isOutputEnding { shutOutput() }
        }
        while let first = completions.first, first.end <= takenBytes {
            completions.removeFirst()
            first.body(true)
        }
        guard isAboveMark, waitingBytes <= marks.low else { return }
        isAboveMark = false
        if isOpen { owner?.socketBecameWritable() }
    }

    /// An edge is told again when what is listened for changes, so none is lost.
    private func listen(forRoom isWanted: Bool) {
        guard listensForRoom != isWanted, let source else { return }
        listensForRoom = isWanted
        do throws(SystemError) {
            try loop.epoll.modify(source, for: isWanted ? Self.input.union(.writable) : Self.input)
        } catch {
            loop.afterTurn { self.end(.failed(error)) }
        }
    }

    private func shutOutput() {
        // Fails where the peer has left, which is told on the other way.
        try? Transfers.shutdownWrite(number)
    }

    /// The peer takes nothing; what it has sent before is still worth reading, its answer above all.
    private func outputBroke() {
        isOutputBroken = true
        waiting = []
        waitingBytes = 0
        mayHaveInput = true
        readsToTheEnd = true
        loop.afterTurn {
            self.failCompletions()
            self.readOn()
        }
    }

    private func failCompletions() {
        let failed = completions
        completions = []
        for completion in failed { completion.body(false) }
    }

    // MARK: End

    /// Closes it at once; what waits is dropped.
    ///
    /// The owner hears of it before this returns.
    func close() { end(.closed) }

    private func end(_ end: End) {
        guard isOpen else { return }
        isOpen = false
        if let source { loop.epoll.remove(source) }
        source = nil
        Transfers.close(number)
        waiting = []
        waitingBytes = 0
        failCompletions()
        let owner = self.owner
        self.owner = nil
        owner?.socketClosed(end)
    }
}

extension ByteBuffer {
    fileprivate func sendWithoutWaiting(to socket: Int32) throws(SystemError) -> Transfer {
        // `withUnsafeReadableBytes` throws anything: the outcome is carried out by value.
        try withUnsafeReadableBytes { bytes in
            Result { () throws(SystemError) in try Transfers.sendWithoutWaiting(socket, bytes) }
        }
        .get()
    }

    fileprivate func sendWithoutWaiting(with second: ByteBuffer, to socket: Int32) throws(SystemError) -> Transfer {
        try withUnsafeReadableBytes { first in
            second.withUnsafeReadableBytes { second in
                Result { () throws(SystemError) in try Transfers.sendWithoutWaiting(socket, first, second) }
            }
        }
        .get()
    }
}
