// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import Logging
import NIOCore
import WireProtocol

// The answer on its way to the client.
extension AppCall {
    func pauseReading() { stream?.pauseReading() }
    func resumeReading() { stream?.resumeReading() }

    func parseHead(_ bytes: ByteBuffer) {
        var bytes = bytes
        while true {
            switch head.advance(over: bytes, toHead: request.isHead) {
            case .needMore:
                reader = .head(bytes)
                return
            case .failed(let error): return malformed(error)
            case .complete:
                if head.status == 101 { return switchProtocols(bytes) }
                guard head.isInterim else { return headComplete(bytes) }
                switch interims.arrived(byteCount: head.byteCount) {
                case .pass: owner?.appSent(interim: head, bytes)
                case .drop: break
                case .refuse: return malformed(.tooManyInterimAnswers)
                }
                bytes.moveReaderIndex(forwardBy: head.byteCount)
                head.reset()
                if bytes.readableBytes == 0 {
                    reader = .head(ByteBuffer())
                    return
                }
            }
        }
    }

    func headComplete(_ bytes: ByteBuffer) {
        let framing = ClientFraming(head.body, clientVersion: request.clientVersion)
        let action = machine.headReceived()
        guard action != .none else { return }
        bytes.withUnsafeReadableBytes { note(head, $0) }
        reader = .body(BodyRelay(head.body, framing: framing))
        var rest = bytes
        rest.moveReaderIndex(forwardBy: head.byteCount)
        guard let piece = reader.advance(rest) else { return }
        if action == .relay, owner?.appSent(head, bytes, framing, piece) == false { return malformed(.headTooLarge) }
        finish(piece)
    }

    /// What a head says to us and not to the client.
    func note(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        outOfBandWorkRequested = head.requestsOutOfBandWork(bytes)
        if request.wantsUpgrade, 200..<300 ~= head.status { noteUpgradeNotTaken() }
        guard let name = head.fileHandedOver(bytes),
            let suppressed = loop.throttle.admit(.handedOverFile(app.groupName), at: .now())
        else { return }
        var facts = self.facts
        facts[RequestLogKeys.reason] = "\(name) is passed on, and nobody here sends the file that it names"
        if suppressed > 0 { facts["suppressed"] = .stringConvertible(suppressed) }
        loop.logger.warning("the app leaves sending a file to a web server that is not there", metadata: facts)
    }

    /// A refusal or a redirect says by itself that there is no upgrade; an ordinary page looks like success.
    func noteUpgradeNotTaken() {
        guard let suppressed = loop.throttle.admit(.upgradeNotTaken(app.groupName), at: .now()) else { return }
        var facts = self.facts
        facts[RequestLogKeys.reason] = "it answered the request (WebSocket or the like) as an ordinary one"
        if suppressed > 0 { facts["suppressed"] = .stringConvertible(suppressed) }
        loop.logger.notice("the app did not take an upgrade that a client asked for", metadata: facts)
    }

    func finish(_ piece: BodyRelay.Piece) {
        switch piece.progress {
        case .more: break
        case .complete: complete()
        case .failed(let error): malformed(error)
        }
    }

    /// The app has answered: stream and session are given back before the client has everything.
    func complete() {
        let stream = self.stream
        self.stream = nil
        // Behind an upgrade that it did not take, Node answers valid requests only, and is silent to all others.
        let isPlain = !request.wantsUpgrade
        let isReusable = reader.isInStep && sending.isInStep && head.allowsReuse && isPlain
        content = .none
        switch machine.answerCompleted() {
        case .none: stream?.close()
        case .completed:
            stream?.giveBack(reusable: isReusable)
            release(.ok)
            owner?.appAnswered()
        case .abandonedCompleted:
            stream?.giveBack(reusable: isReusable)
            release(.clientGone)
        }
    }

    func malformed(_ error: FramingError) {
        giveUp(RequestError(.malformedAnswer(error), retrySafety: .unsafe))
    }

    func giveUp(_ error: RequestError) {
        let action = machine.answerMalformed()
        closeStream()
        lost(action, error)
    }

    func switchProtocols(_ bytes: ByteBuffer) {
        guard request.wantsUpgrade, let grant, machine.upgraded(), let owner else {
            return giveUp(RequestError(.unaskedUpgrade, retrySafety: .unsafe))
        }
        reader = .tunnel
        loop.link.upgraded(grant.session)
        var rest = bytes
        rest.moveReaderIndex(forwardBy: head.byteCount)
        owner.appSwitched(head, bytes)
        if rest.readableBytes > 0 { owner.appSent(body: rest, payload: rest.readableBytes) }
    }
}
