// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore

/// The connection that a part of a file is for; on its event loop.
protocol FileTaker: AnyObject {
    /// False once it has been closed, and its descriptor may be somebody else's.
    var isOpen: Bool { get }
    /// The descriptor of its socket; nil: there is none that the kernel could send to.
    var fileSocket: Int32? { get }
    /// Writes these behind everything before; `body` hears whether the socket has taken all of it, at once or later.
    func write(_ bytes: ByteBuffer, whenTaken body: @escaping (Bool) -> Void)
    /// So many bytes went to the socket on another way.
    func handed(_ count: Int)
    func onNextTurn(_ body: @escaping () -> Void)
}

/// A part of a file on its way to a client.
///
///     sending ──the socket takes no more──▶ waiting ──a small piece is taken──▶ sending
///        └── all of it is sent, the file is too short, the connection is closed ──▶ over
///
/// The kernel sends it from the file, as long as the socket takes bytes. Where it does not, a small piece is read and goes through
/// the connection, which knows how to wait. Whoever may write the file may make it shorter at any moment, and of what is not there the
/// kernel sends nothing, without an error: each step looks at what was sent, so nothing is tried without end.
final class FileSending {
    /// Sent before other connections of the loop have their turn.
    private static let bytesPerTurn = 1 << 20
    /// Enough to hear of room in the socket, and all the memory that a slow client costs.
    private static let waitingBytes = 4 * 1024
    /// Read at a time for a socket that the kernel cannot send to.
    private static let copiedBytes = 64 * 1024

    private enum State {
        case sending
        case waiting
        case over
    }

    private let file: SharedDescriptor
    private let end: Int
    private var next: Int
    private weak var taker: (any FileTaker)?
    private let completion: (Bool) -> Void
    private var state = State.sending
    private var leftInTurn = bytesPerTurn
    private var isRunning = false

    /// `completion` hears, once, whether all of it was sent.
    init(
        _ file: SharedDescriptor,
        _ range: Range<Int>,
        to taker: any FileTaker,
        completion: @escaping (Bool) -> Void
    ) {
        self.file = file
        self.next = range.lowerBound
        self.end = range.upperBound
        self.taker = taker
        self.completion = completion
    }

    /// Begins with bytes that belong before it.
    func begin(behind head: ByteBuffer) {
        pass(head)
        run()
    }

    // MARK: Steps

    /// What is waited for may be there before the call that asks for it returns: it is a loop, not a recursion.
    private func run() {
        guard !isRunning else { return }
        isRunning = true
        while case .sending = state { step() }
        isRunning = false
    }

    private func step() {
        guard let taker, taker.isOpen else { return finish(false) }
        guard next < end else { return finish(true) }
        guard leftInTurn > 0 else { return awaitTurn(of: taker) }
        guard let socket = taker.fileSocket else { return copy(Self.copiedBytes) }
        let count = min(leftInTurn, end - next)
        switch try? Transfers.sendFile(file.rawValue, from: next, count: count, to: socket) {
        case .bytes(let count):
            next += count
            leftInTurn -= count
            taker.handed(count)
        case .wouldBlock: copy(Self.waitingBytes)
        case .endOfStream, nil: finish(false)
        }
    }

    private func copy(_ limit: Int) {
        var piece = ByteBuffer()
        let count = min(limit, end - next)
        let read = try? piece.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            let room = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
            guard case .bytes(let read) = try Transfers.read(file.rawValue, at: next, into: room) else { return 0 }
            return read
        }
        guard let read, read > 0 else { return finish(false) }
        next += read
        leftInTurn -= read
        pass(piece)
    }

    private func pass(_ bytes: ByteBuffer) {
        state = .waiting
        taker?
            .write(bytes) { isTaken in
                if isTaken { self.goOn() } else { self.finish(false) }
            }
    }

    private func awaitTurn(of taker: any FileTaker) {
        state = .waiting
        taker.onNextTurn {
            self.leftInTurn = Self.bytesPerTurn
            self.goOn()
        }
    }

    private func goOn() {
        guard case .waiting = state else { return }
        state = .sending
        run()
    }

    private func finish(_ isComplete: Bool) {
        if case .over = state { return }
        state = .over
        completion(isComplete)
    }
}
