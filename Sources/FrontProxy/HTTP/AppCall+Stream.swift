// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import Logging
import NIOCore
import WireProtocol

// What the stream says.
extension AppCall: StreamOwner {
    func use(_ stream: AppStream) {
        // It may have failed within the call that made it.
        guard !stream.isClosed else { return }
        self.stream = stream
        if stream.isReady { send(on: stream) }
    }

    func streamReady(_ stream: AppStream) {
        guard stream === self.stream else { return stream.close() }
        send(on: stream)
    }

    func streamFailed(_ stream: AppStream, reason: String) {
        self.stream = nil
        guard !stream.isOutOfDescriptors else {
            // No other process would make a difference, only room does; the one message is that of the answer.
            let hasRoom = machine.mayMakeRoom() && loop.makeRoom() > 0
            return lost(machine.streamFailed(mayRepeat: hasRoom), RequestError(.noDescriptor(reason)))
        }
        loop.logger.warning(
            "no stream to the process",
            metadata: facts.merging([RequestLogKeys.reason: .string(reason)]) { $1 }
        )
        lost(machine.streamFailed(), RequestError(.connectFailed(reason)))
    }

    func send(on stream: AppStream) {
        guard machine.streamReady(kept: stream.isKept), let owner, let grant else {
            return stream.giveBack(reusable: true)
        }
        head.reset()
        reader = .head(ByteBuffer())
        outOfBandWorkRequested = false
        var outgoing = loop.takeOutgoing()
        guard owner.encodeRequest(content, for: grant.transport, into: &outgoing) else {
            return giveUpUnsent(stream)
        }
        owner.appIsActive()
        if case .memory(let bytes) = content { outgoing.writeImmutableBuffer(bytes) }
        sending.began(SendingMachine.Content(content, over: grant.transport))
        machine.written(isReadAtOnce: content.isReadAtOnce(over: grant.transport, requestBytes: outgoing.readableBytes))
        stream.write(outgoing)
        loop.giveBackOutgoing(outgoing)
        if !sending.isInStep { pump() }
    }

    func giveUpUnsent(_ stream: AppStream) {
        self.stream = nil
        _ = machine.answerMalformed()
        stream.giveBack(reusable: true)
        release(.unused)
        owner?.appFailed(RequestError(.unencodable), facts: facts)
    }

    func streamRead(_ stream: AppStream, _ bytes: ByteBuffer) {
        guard stream === self.stream else { return }
        if owner == nil, loop.link.endsAbandonedSessions, machine.drained(bytes.readableBytes) == .abandon {
            return endDrain(.abandon)
        }
        switch reader {
        case .tunnel: owner?.appSent(body: bytes, payload: bytes.readableBytes)
        case .complete: break
        case .head(var received):
            guard received.readableBytes > 0 else { return parseHead(bytes) }
            // Without this the bytes would be copied to be appended to.
            reader = .head(ByteBuffer())
            received.writeImmutableBuffer(bytes)
            parseHead(received)
        case .body:
            owner?.appIsActive()
            guard let piece = reader.advance(bytes) else { return }
            if piece.output.readableBytes > 0 { owner?.appSent(body: piece.output, payload: piece.payload) }
            finish(piece)
        }
    }

    func streamClosed(_ stream: AppStream) {
        guard stream === self.stream else { return }
        self.stream = nil
        let error = RequestError(
            reader.isInBody ? .incompleteBody : .incompleteAnswer(bytesSeen: reader.headBytes),
            retrySafety: .unsafe
        )
        if let rest = reader.inputEnded() {
            if rest.readableBytes > 0 { owner?.appSent(body: rest, payload: 0) }
            return complete()
        }
        lost(machine.streamClosed(hasAnswerBegun: reader.headBytes > 0), error, of: stream)
    }

    func streamWritable(_ stream: AppStream) {
        guard stream === self.stream else { return }
        if machine.state == .tunnel { owner?.appTakesBody() } else { pump() }
    }
}

// Streams that were lost.
extension AppCall {
    /// Carries out what becomes of a request whose stream was lost; `error` is for the client if it is given up.
    func lost(_ action: ExchangeMachine.LossAction, _ error: RequestError, of stream: AppStream? = nil) {
        switch action {
        case .none: break
        case .askFate: askFate(of: stream, error)
        case .resend:
            guard let grant else { return }
            use(loop.streams.open(grant, for: self))
        case .checkoutAgain:
            release(error.isOurs ? .unused : .upstreamFailed)
            checkOut()
        case .fail, .truncate: explain(error)
        case .release: release(.clientGone)
        case .closeTunnel:
            release(.ok)
            owner?.appAnswered()
        }
    }

    /// Finds out whether the request may be sent again.
    func askFate(of stream: AppStream?, _ error: RequestError) {
        guard let grant else { return }
        if stream?.wasReset == true { return lost(machine.fateKnown(.unread), error) }
        loop.link.askFate(of: stream?.number, to: grant.process) { fate in
            // The daemon's word on the session itself may have come first.
            guard self.grant?.session == grant.session else { return }
            self.lost(self.machine.fateKnown(fate), error)
        }
    }

    /// Gives the session back as failed, and tells the owner once the end of the process is known, or not soon.
    ///
    /// End of file on the stream comes a moment before the daemon's word on exit code or signal.
    func explain(_ error: RequestError) {
        var facts = self.facts
        let process = grant?.process
        release(error.isOurs ? .unused : .upstreamFailed)
        guard let process, error.source == .upstream else {
            owner?.appFailed(error, facts: facts)
            return
        }
        loop.streams.whenKnown(process, within: Self.causeLimit) { fate in
            facts[RequestLogKeys.cause] = .string("\(fate)")
            self.owner?.appFailed(error, facts: facts)
        }
    }
}
