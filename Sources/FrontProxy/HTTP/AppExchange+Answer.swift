// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore
import WireProtocol

// The way back: the app's head is edited and its body passed on, straight from the read event.
extension AppExchange {
    func streamRead(_ stream: AppStream, _ bytes: ByteBuffer) {
        guard stream === self.stream else { return }
        if self.machine.state == .tunnel {
            self.client?.tunnel(bytes)
        } else if self.relay != nil {
            self.client?.appIsActive()
            self.relayBody(bytes)
        } else if self.received.readableBytes == 0 {
            self.parseHead(bytes)
        } else {
            self.received.writeImmutableBuffer(bytes)
            let all = self.received
            self.received = ByteBuffer()
            self.parseHead(all)
        }
    }

    private func parseHead(_ bytes: ByteBuffer) {
        var bytes = bytes
        while true {
            switch self.head.advance(over: bytes, toHead: self.request?.isHead ?? false) {
            case .needMore:
                self.received = bytes
                return
            case .failed(let error): return self.malformed(error)
            case .complete:
                if self.head.status == 101 { return self.switchProtocols(bytes) }
                guard self.head.isInterim else { return self.headComplete(bytes) }
                self.client?.relayInterim(self.head, bytes)
                bytes.moveReaderIndex(forwardBy: self.head.byteCount)
                self.head.reset()
                if bytes.readableBytes == 0 { return }
            }
        }
    }

    private func headComplete(_ bytes: ByteBuffer) {
        let version = self.request?.clientVersion ?? .http11
        let framing = ClientFraming(self.head.body, clientVersion: version)
        let action = self.machine.headReceived()
        guard action != .none else { return }
        if bytes.withUnsafeReadableBytes({ self.head.requestsOutOfBandWork($0) }) { self.noteOutOfBandWork() }
        var relay = BodyRelay(self.head.body, framing: framing)
        var rest = bytes
        rest.moveReaderIndex(forwardBy: self.head.byteCount)
        let piece = relay.advance(rest)
        self.relay = relay
        if action == .relay {
            guard self.client?.relayHead(self.head, bytes, framing, piece) ?? false else {
                return self.malformed(.headTooLarge)
            }
        }
        self.finishPiece(piece)
    }

    private func relayBody(_ bytes: ByteBuffer) {
        guard var relay = self.relay else { return }
        // Without this the copy in `relay` would make the decoder's state shared.
        self.relay = nil
        let piece = relay.advance(bytes)
        self.relay = relay
        if piece.output.readableBytes > 0 { self.client?.relayBody(piece.output, payload: piece.payload) }
        self.finishPiece(piece)
    }

    private func finishPiece(_ piece: BodyRelay.Piece) {
        if piece.hasExcess { self.isStreamInStep = false }
        switch piece.progress {
        case .more: break
        case .complete: self.complete()
        case .failed(let error): self.malformed(error)
        }
    }

    /// The app has answered: stream and session are given back before the client has everything.
    private func complete() {
        let stream = self.stream
        self.stream = nil
        // Behind an upgrade that it did not take, Node answers valid requests only, and is silent to all others.
        let isPlain = !(self.request?.wantsUpgrade ?? false)
        let isReusable = self.isStreamInStep && self.hasSentAll && self.head.allowsReuse && isPlain
        // Its body may be in a file, which must not outlive it on a connection that stays open.
        self.request = nil
        switch self.machine.answerCompleted() {
        case .none: stream?.close()
        case .completed:
            stream?.giveBack(reusable: isReusable)
            self.release(.ok)
            self.client?.answerRelayed()
        case .abandonedCompleted:
            stream?.giveBack(reusable: isReusable)
            self.release(.clientGone)
        }
    }

    private func malformed(_ error: FramingError) {
        let action = self.machine.answerMalformed()
        self.closeStream()
        self.lost(action, RequestError(.malformedAnswer(error), retrySafety: .unsafe))
    }

    func streamClosed(_ stream: AppStream) {
        guard stream === self.stream else { return }
        self.stream = nil
        if let end = self.relay?.inputEnded() {
            if end.readableBytes > 0 { self.client?.relayBody(end, payload: 0) }
            self.complete()
            return
        }
        let seen = self.received.readableBytes
        let action = self.machine.streamClosed()
        self.lost(action, RequestError(.incompleteAnswer(bytesSeen: seen), retrySafety: .unsafe))
    }

    // MARK: Upgrades

    private func switchProtocols(_ bytes: ByteBuffer) {
        guard self.request?.wantsUpgrade ?? false, self.transport != .session, self.machine.upgraded(),
            let client = self.client, let grant = self.grant
        else { return self.malformed(.malformedStatusLine) }
        self.loop.link.upgraded(grant.session)
        var rest = bytes
        rest.moveReaderIndex(forwardBy: self.head.byteCount)
        client.switchProtocols(self.head, bytes)
        if rest.readableBytes > 0 { client.tunnel(rest) }
    }

    /// Bytes of the client to the app.
    func tunnel(_ bytes: ByteBuffer) { self.stream?.write(bytes) }
    var isTunnelWritable: Bool { self.stream?.isWritable ?? true }
    func endTunnelOutput() { self.stream?.endOutput() }
}
