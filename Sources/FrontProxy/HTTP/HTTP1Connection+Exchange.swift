// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore

extension HTTP1Connection: DownstreamConnection {
    var isWritable: Bool { socket?.isWritable ?? true }

    func routed(to route: RouteModel) {
        self.route = route
        if route.keepaliveTimeout == .zero { machine.answerEndsConnection() }
    }

    func setDeadline(after amount: TimeAmount) { set(.now() + amount) }

    func clearDeadline() { clock.clear() }

    func beginAnswer(endsConnection: Bool) -> Bool {
        machine.answerBegun()
        if endsConnection { machine.answerEndsConnection() }
        return machine.keepsAlive
    }

    func write(_ bytes: ByteBuffer) {
        progress.handed(bytes.readableBytes)
        socket?.write(bytes)
    }

    func write(head: ByteBuffer, body: ByteBuffer) {
        progress.handed(head.readableBytes + body.readableBytes)
        socket?.write(head, body)
    }

    func write(head: ByteBuffer, file: SharedDescriptor, _ range: Range<Int>, completion: @escaping (Bool) -> Void) {
        let sending = FileSending(file, range, to: self) { [weak self] isComplete in
            self?.isSendingFile = false
            completion(isComplete)
        }
        isSendingFile = true
        sending.begin(behind: head)
    }

    func endAnswer() {
        exchange = nil
        switch machine.answerCompleted() {
        case .none: break
        case .nextRequest: awaitNextRequest()
        case .close: endConnection()
        case .linger: linger()
        }
    }

    func breakAnswer() {
        exchange = nil
        machine.answerBroken()
        closeNow()
    }

    func switchProtocols() {
        machine.answerBegun()
        machine.upgraded()
        clock.clear()
        process()
    }

    func pauseInput() { socket?.pauseReading() }

    func resumeInput() {
        resumeReading()
        process()
    }
}

extension HTTP1Connection: FileTaker {
    var isOpen: Bool { socket != nil }

    var fileSocket: Int32? { socket?.number }

    func write(_ bytes: ByteBuffer, whenTaken body: @escaping (Bool) -> Void) {
        guard let socket else { return body(false) }
        progress.handed(bytes.readableBytes)
        socket.write(bytes)
        socket.whenTaken(body)
    }

    func handed(_ count: Int) { progress.handed(count) }

    func onNextTurn(_ body: @escaping () -> Void) { loop.eventLoop.afterTurn(body) }
}
