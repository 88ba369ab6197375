// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import WireProtocol

/// One control connection: bytes to messages and back, without any decision.
final class LinkConnection {
    private let transport: DaemonTransport
    private var decoder = FrameDecoder(phase: .fromDaemon)
    private var socket: StreamSocket?
    private var closeReason: String?

    init(transport: DaemonTransport) {
        self.transport = transport
    }

    /// `unreadLimit`: so many bytes that the daemon has not taken mean that it has stopped to read.
    func open(_ descriptor: consuming Descriptor, on loop: SocketLoop, unreadLimit: Int) throws(SystemError) {
        let marks = StreamSocket.Marks(low: unreadLimit / 2, high: unreadLimit)
        socket = try StreamSocket(descriptor, on: loop, owner: self, marks: marks)
    }

    func write(_ bytes: ByteBuffer) {
        guard let socket else { return }
        socket.write(bytes)
        if socket.waitsForRoom { close(reason: "the daemon does not read what is sent to it") }
    }

    /// Closes the connection; the reason goes to the transport when it is closed.
    func close(reason: String) {
        guard closeReason == nil else { return }
        closeReason = reason
        socket?.close()
    }
}

extension LinkConnection: StreamSocketOwner {
    func socketReceived(_ bytes: ByteBuffer) {
        decoder.append(bytes)
        do throws(WireError) {
            while closeReason == nil, let message = try DaemonMessage.next(from: &decoder) {
                transport.received(message)
            }
        } catch {
            close(reason: "the daemon sent something that is no message: \(error)")
        }
    }

    func socketInputEnded() { socket?.close() }

    func socketBecameWritable() {}

    func socketClosed(_ end: StreamSocket.End) {
        socket = nil
        if case .failed(let error) = end, closeReason == nil { closeReason = DaemonTransport.reason(error) }
        transport.closed(self, reason: closeReason)
    }
}
