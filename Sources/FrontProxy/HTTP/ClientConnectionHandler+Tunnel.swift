// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore

// A connection whose app has switched protocols: bytes both ways, each side as fast as the other takes them.
extension ClientConnectionHandler {
    func switchProtocols(_ head: borrowing ResponseHead, _ bytes: ByteBuffer) {
        self.machine.answerBegun()
        self.machine.upgraded()
        self.account.status = head.status
        self.clearDeadline()
        self.clearOutgoing()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ResponseHeadEncoder.encodeSwitching(head, raw, into: &self.outgoing)
        }
        guard isEncoded else { return self.breakAnswer() }
        self.write(self.outgoing)
        self.process()
    }

    /// Bytes of the app to the client.
    func tunnel(_ bytes: ByteBuffer) {
        self.account.bytesSent += bytes.readableBytes
        self.write(bytes)
        if let channel = self.channelContext?.channel, !channel.isWritable { self.exchange?.pauseReading() }
    }

    /// Bytes of the client to the app.
    func readTunnel() {
        let bytes = self.inbound
        self.inbound = ByteBuffer()
        guard let exchange = self.exchange else { return self.closeNow() }
        exchange.tunnel(bytes)
        // It may have been paused before it was a tunnel.
        if exchange.isTunnelWritable { self.resumeReading() } else { self.pauseReading() }
    }

    func tunnelIsWritable() { self.resumeReading() }

    /// The app's side is closed.
    func tunnelEnded() { self.completeAnswer() }
}
