// SPDX-License-Identifier: MIT

import AppTransport
import LinuxSystem
import NIOCore
import WireProtocol

/// One connection to an app process; confined to its event loop.
///
/// `StreamMachine` decides, `StreamTransport` carries the bytes.
final class AppStream {
    let process: ProcessID
    private unowned let pool: StreamPool
    private var machine: StreamMachine
    private var transport: StreamTransport?
    private var owner: (any StreamOwner)?
    /// It failed because this process has no descriptor left.
    private(set) var isOutOfDescriptors = false
    /// The daemon's number for it; nil if the daemon gives none.
    private(set) var number: StreamNumber?
    /// The app's own socket is used; the daemon has a duplicate of it.
    private(set) var isHandedOver = false
    /// When it was given back; for idle streams.
    private(set) var idleSince = NIODeadline.uptimeNanoseconds(0)

    init(grant: Granted, pool: StreamPool, owner: any StreamOwner) {
        self.process = grant.process
        self.pool = pool
        self.owner = owner
        self.machine = StreamMachine(isReusable: grant.transport != .httpOneShot)
    }

    var isReady: Bool { self.machine.state == .busy }
    var isIdle: Bool { self.machine.state == .idle }
    var isClosed: Bool { self.machine.state == .closed }
    /// It has carried a whole request and its answer before.
    var isKept: Bool { self.machine.isKept }
    /// It ended with bytes in it that the other side had not read.
    var wasReset: Bool { self.machine.wasReset }
    var isWritable: Bool { self.transport?.isWritable ?? false }

    // MARK: Use by its owner

    /// Takes it out of the pool; false if it has ended there.
    func begin(_ owner: any StreamOwner) -> Bool {
        guard self.machine.began() else { return false }
        self.owner = owner
        return true
    }

    func write(_ bytes: ByteBuffer) { self.transport?.write(bytes) }

    /// Tells the app that the request has no more bytes; the answer can still be read.
    func endOutput() { self.transport?.endOutput() }

    /// Stops reading until `resumeReading`; what the kernel holds stays there.
    func pauseReading() { self.transport?.pauseReading() }

    func resumeReading() { self.transport?.resumeReading() }

    /// The answer was read to its end: back to the pool if another request may follow it, else closed.
    func giveBack(reusable: Bool) {
        switch self.machine.answerTaken(isInStep: reusable) {
        case .none: break
        case .close: self.end()
        case .keep:
            self.owner = nil
            self.idleSince = .now()
            self.resumeReading()
            self.pool.keep(self)
        }
    }

    /// Ends it for the app, too; the owner hears nothing more.
    func close() {
        let wasIdle = self.isIdle
        if self.machine.closed() == .close { self.end(wasIdle: wasIdle) }
    }

    /// Ends it for this side: what the app still has to say is left to the daemon, as far as that can read it.
    ///
    /// Returns its number if it was handed over: the daemon is to be told.
    @discardableResult
    func leave() -> StreamNumber? {
        let wasIdle = self.isIdle
        guard self.machine.closed() == .close else { return nil }
        self.end(wasIdle: wasIdle, leavesRest: self.number != nil)
        return self.isHandedOver ? self.number : nil
    }

    private func end(wasIdle: Bool = false, leavesRest: Bool = false) {
        self.owner = nil
        if wasIdle { self.pool.forgetIdle(self) }
        self.pool.closed(self)
        let transport = self.transport
        self.transport = nil
        transport?.end(leavesRest: leavesRest)
    }

    // MARK: Attaching

    /// What the attacher has brought; on the event loop.
    func attached(_ outcome: StreamAttacher.Outcome) {
        switch outcome {
        case .failure(let failure): self.fail(failure.reason, isOutOfDescriptors: failure.isOutOfDescriptors)
        case .success(let connection):
            guard self.machine.state == .attaching else { return connection.discard() }
            self.isHandedOver = connection.duplicate != nil
            self.number = connection.number
            let transport = StreamTransport(self, duplicate: connection.duplicate)
            self.transport = transport
            do throws(SystemError) {
                try transport.open(connection.socket, on: self.pool.eventLoop)
            } catch {
                return self.fail("the stream cannot be used: \(error)", isOutOfDescriptors: error.isOutOfResources)
            }
            self.opened(connection.remainder)
        }
    }

    /// Its socket is there; `early` is what the app said before.
    private func opened(_ early: ByteBuffer) {
        guard self.machine.attached() == .tellReady else { return }
        self.owner?.streamReady(self)
        if early.readableBytes > 0 { self.received(early) }
    }

    func fail(_ reason: String, isOutOfDescriptors: Bool = false) {
        if self.machine.attachFailed() == .tellFailed { self.tellFailed(reason, isOutOfDescriptors) }
    }

    func processGone() {
        if self.machine.processGone() == .tellFailed { self.tellFailed("the process has ended", false) }
    }

    private func tellFailed(_ reason: String, _ isOutOfDescriptors: Bool) {
        self.isOutOfDescriptors = isOutOfDescriptors
        let owner = self.owner
        self.end()
        owner?.streamFailed(self, reason: reason)
    }

    // MARK: From the transport

    func received(_ bytes: ByteBuffer) {
        let wasIdle = self.isIdle
        switch self.machine.bytesCame() {
        case .deliver: self.owner?.streamRead(self, bytes)
        case .close: self.end(wasIdle: wasIdle)
        case .drop: break
        }
    }

    func becameWritable() {
        if self.isReady { self.owner?.streamWritable(self) }
    }

    func ended(_ end: StreamMachine.End) {
        switch self.machine.ended(end) {
        case .none: break
        case .close: self.end(wasIdle: true)
        case .tellClosed:
            let owner = self.owner
            self.end()
            owner?.streamClosed(self)
        }
    }
}
