// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import NIOCore

/// Whoever makes an answer hears how the client takes it.
protocol AnswerSource: AnyObject {
    /// What waits for the client has reached its limit.
    func answerIsCongested()
    /// It may go on, if it was stopped.
    func answerIsWanted()
    /// The time limit of the client counts, or no longer.
    func clientClockChanged()
    /// What was spooled is lost.
    func answerLost(_ failure: SpoolFile.Failure)
    /// It is complete or broken off; called once, right before the connection hears of it.
    func answerEnded()
}

/// Writes one answer to the client: at once, and what a slow client does not take by way of a spool.
final class AnswerWriter {
    /// Heads and bodies up to this size go out in one piece; a larger body is written behind the head, without a copy.
    private static let joinedBytes = 16 * 1024
    /// For the access log: the client left before an answer (nginx's number).
    private static let clientClosedRequest = 499

    let loop: WorkerLoopContext
    let request: ClientRequest
    var route = RouteModel.nothing
    /// nil once the answer has ended.
    var source: (any AnswerSource)?
    private var client: (any DownstreamConnection)?
    private(set) var machine = AnswerMachine()
    /// Made when the client is slower than the app.
    private var spool: ResponseSpool?
    /// Of the final head; 0 without one.
    private(set) var status = 0
    /// Bytes of the body that were handed over.
    private(set) var bytesSent = 0

    init(loop: WorkerLoopContext, request: ClientRequest, client: any DownstreamConnection) {
        self.loop = loop
        self.request = request
        self.client = client
    }

    // Its exchange has gone before it.
    deinit { loop.giveBack(request) }

    var isPending: Bool { machine.state == .pending }

    // MARK: From an app

    /// Writes the head of the app's answer and the first bytes of its body; false if it could not be encoded.
    func relayHead(
        _ head: borrowing ResponseHead,
        _ bytes: ByteBuffer,
        _ framing: ClientFraming,
        _ piece: BodyRelay.Piece
    )
        -> Bool
    {
        guard let client, machine.began() else { return true }
        let options = ResponseHeadEncoder.Options(
            date: loop.httpDate(at: .now()),
            productLines: loop.productLines,
            addedLines: addedLines(status: head.status),
            keepsAlive: client.beginAnswer(endsConnection: framing.endsConnection),
            clientVersion: request.head.version
        )
        status = head.status
        bytesSent += piece.payload
        var outgoing = loop.takeOutgoing()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ResponseHeadEncoder.encode(head, raw, framing: framing, options: options, into: &outgoing)
        }
        guard isEncoded else { return false }
        if piece.output.readableBytes <= Self.joinedBytes {
            if piece.output.readableBytes > 0 { outgoing.writeImmutableBuffer(piece.output) }
            client.write(outgoing)
        } else {
            client.write(head: outgoing, body: piece.output)
        }
        loop.giveBackOutgoing(outgoing)
        return true
    }

    func relayBody(_ bytes: ByteBuffer, payload: Int) {
        guard let client else { return }
        let action = machine.bodyArrived(isWritable: client.isWritable)
        if action != .ignored { bytesSent += payload }
        switch action {
        case .ignored: break
        case .write:
            client.write(bytes)
            if machine.state == .tunnel, !client.isWritable { source?.answerIsCongested() }
        case .beginSpooling:
            source?.clientClockChanged()
            append(bytes)
        case .spool: append(bytes)
        }
    }

    private func append(_ bytes: ByteBuffer) {
        let spool = self.spool ?? makeSpool()
        self.spool = spool
        spool.append(bytes)
        if spool.isCongested || isFull(spool) { source?.answerIsCongested() }
    }

    private func isFull(_ spool: ResponseSpool) -> Bool {
        spool.isOverShare || spool.holds(moreThan: loop.model.responseBufferHighWatermark)
    }

    private func makeSpool() -> ResponseSpool {
        let (loop, address) = (self.loop, request.origin.address)
        return ResponseSpool(memoryShare: loop.shares.share(of: address, in: .memory)) {
            loop.makeSpoolFile(for: address)
        } relieved: { [weak self] in
            // A full one goes on when the client has taken all of it.
            guard let self, let spool, !isFull(spool) else { return }
            source?.answerIsWanted()
        } failure: { [weak self] failure in
            self?.source?.answerLost(failure)
        }
    }

    /// The connection takes bytes again: what was spooled comes first.
    func writable() {
        if machine.state == .tunnel { source?.answerIsWanted() }
        guard let spool, let client else { return }
        while client.isWritable, let bytes = spool.popMemory() { client.write(bytes) }
        if client.isWritable {
            spool.readFile { [weak self] bytes in
                self?.client?.write(bytes)
                self?.writable()
            }
        }
        guard spool.isEmpty else { return }
        switch machine.spoolEmptied() {
        case .ignored: break
        case .goOn:
            source?.answerIsWanted()
            source?.clientClockChanged()
        case .complete: complete()
        }
    }

    /// The app has produced all of its answer.
    func produced() {
        switch machine.produced() {
        case .ignored: break
        case .complete: complete()
        case .awaitClient: source?.clientClockChanged()
        }
    }

    func relayInterim(_ head: borrowing ResponseHead, _ bytes: ByteBuffer) {
        // 100 was our own matter; HTTP/1.0 knows none of them.
        guard isPending, head.status != 100, request.head.version == .http11 else { return }
        // Nothing holds them back, and a client that is slow can do without.
        guard client?.isWritable == true else { return }
        var outgoing = loop.takeOutgoing()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ResponseHeadEncoder.encodeInterim(head, raw, into: &outgoing)
        }
        if isEncoded { client?.write(outgoing) }
        loop.giveBackOutgoing(outgoing)
    }

    func writeContinue() { client?.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")) }

    /// Writes the head of an app that switches protocols; from here on the body is whatever comes.
    func switchProtocols(_ head: borrowing ResponseHead, _ bytes: ByteBuffer) {
        guard let client, machine.upgraded() else { return }
        status = head.status
        var outgoing = loop.takeOutgoing()
        let isEncoded = bytes.withUnsafeReadableBytes { raw in
            ResponseHeadEncoder.encodeSwitching(head, raw, into: &outgoing)
        }
        guard isEncoded else { return breakOff() }
        client.write(outgoing)
        loop.giveBackOutgoing(outgoing)
        client.switchProtocols()
    }

    // MARK: Ends

    private func complete() {
        tellEnd()
        client?.endAnswer()
    }

    private func tellEnd() {
        let source = self.source
        self.source = nil
        source?.answerEnded()
    }

    /// The answer cannot be completed, or shall not be given: the end of the connection shows that to the client.
    func breakOff(status: Int? = nil) {
        guard machine.broken() else { return }
        if let status { self.status = status }
        discardSpool()
        tellEnd()
        client?.breakAnswer()
    }

    /// The client has gone; true if it did not have its answer.
    func clientGone() -> Bool {
        client = nil
        source = nil
        discardSpool()
        if status == 0 { status = Self.clientClosedRequest }
        return machine.broken()
    }

    private func discardSpool() {
        spool?.discard()
        spool = nil
    }

    // MARK: Of our own

    /// Writes a whole answer of our own and completes it.
    func respond(_ status: Int, contentType: String, body: ByteBuffer, lines: String) {
        guard var outgoing = beginOwn(status) else { return }
        let hasNoBody = status == 204 || status == 304 || status < 200
        if !hasNoBody {
            outgoing.bytes.writeString("Content-Type: \(contentType)\r\nContent-Length: \(body.readableBytes)\r\n")
        }
        outgoing.bytes.writeString(lines)
        end(&outgoing)
        if !hasNoBody, request.head.method != .head || !request.isComplete {
            bytesSent = body.readableBytes
            outgoing.bytes.writeImmutableBuffer(body)
        }
        finish(outgoing)
    }

    /// Answers with a part of `file`, or with its head only.
    func respond(_ status: Int, lines: String, sending range: Range<Int>, of file: FoundFile) {
        guard var outgoing = beginOwn(status) else { return }
        outgoing.bytes.writeString(lines)
        outgoing.bytes.writeStaticString("Last-Modified: ")
        // Never later than the answer itself (RFC 9110 §8.8.2.1).
        HTTPDate.write(min(file.modified, loop.dateSeconds), into: &outgoing.bytes)
        outgoing.bytes.writeString("\r\nETag: \(file.entityTag)\r\n")
        end(&outgoing)
        guard request.head.method == .get, !range.isEmpty, let client, let descriptor = file.share() else {
            return finish(outgoing)
        }
        bytesSent = range.count
        client.setDeadline(after: .init(route.sendTimeout))
        client.write(head: outgoing.bytes, file: descriptor, range) { isComplete in
            // It fails also when the file became shorter while it was sent.
            if isComplete { self.produced() } else { self.breakOff() }
        }
        loop.giveBackOutgoing(outgoing.bytes)
    }

    /// A head of our own that is being written.
    private struct OwnHead {
        let status: Int
        let keepsAlive: Bool
        var bytes: ByteBuffer
    }

    private func beginOwn(_ status: Int) -> OwnHead? {
        guard let client, machine.began() else { return nil }
        self.status = status
        var head = OwnHead(
            status: status,
            keepsAlive: client.beginAnswer(endsConnection: false),
            bytes: loop.takeOutgoing()
        )
        head.bytes.writeString("HTTP/1.1 \(status) \(StatusText.of(status))\r\nDate: ")
        head.bytes.writeImmutableBuffer(loop.httpDate(at: .now()))
        head.bytes.writeStaticString("\r\n")
        head.bytes.writeImmutableBuffer(loop.serverLine)
        return head
    }

    private func end(_ head: inout OwnHead) {
        if let added = addedLines(status: head.status) { head.bytes.writeImmutableBuffer(added) }
        if !head.keepsAlive {
            head.bytes.writeStaticString("Connection: close\r\n")
        } else if request.head.version == .http10 {
            head.bytes.writeStaticString("Connection: keep-alive\r\n")
        }
        head.bytes.writeStaticString("\r\n")
    }

    private func finish(_ head: OwnHead) {
        client?.write(head.bytes)
        loop.giveBackOutgoing(head.bytes)
        produced()
    }

    /// The lines of `add_header` for this status; nil if there are none, which is the usual case.
    private func addedLines(status: Int) -> ByteBuffer? {
        guard !route.addHeaders.isEmpty else { return nil }
        var lines = ByteBuffer()
        for header in route.addHeaders where header.applies(toStatus: status) {
            let value = header.value.expanded { request.value(of: $0, status: status) }
            // An empty value means "not this time", and a line break would be a header of the client's choosing.
            if value.isEmpty || value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 }) { continue }
            lines.writeString("\(header.name): \(value)\r\n")
        }
        return lines
    }
}
