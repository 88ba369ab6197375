// SPDX-License-Identifier: MIT

import AppTransport
import HTTPFraming
import NIOCore
import WireProtocol

// The request's body on its way to the app, and the client's bytes once both have switched protocols.
extension AppCall {
    /// Whether a streamed body can be sent on now.
    var takesBody: Bool {
        guard sending.isStreaming, let stream, stream.isReady else { return false }
        return stream.isWritable
    }

    func sendBody(_ bytes: ByteBuffer, isLast: Bool) {
        guard case .streaming(let ending) = sending.state else { return }
        var bytes = bytes
        if ending == .lastChunk {
            var chunk = ByteBuffer()
            ChunkedEncoder.writeChunk(bytes, into: &chunk)
            if isLast { ChunkedEncoder.writeEnd(into: &chunk) }
            bytes = chunk
        }
        if bytes.readableBytes > 0 { stream?.write(bytes) }
        guard isLast else { return }
        switch sending.lastPieceSent() {
        case .none: break
        case .shutOutput: stream?.endOutput()
        }
    }

    /// Sends a spooled body piece by piece, as fast as the app takes it; also when the client has gone meanwhile.
    func pump() {
        guard let stream, stream.isReady, stream.isWritable else { return }
        switch sending.roomAppeared() {
        case .none: break
        case .askClient: owner?.appTakesBody()
        case .read(let offset, let count):
            guard case .file(let file, _) = content else { return }
            file.read(at: offset, count: count) { self.pieceRead($0) }
        }
    }

    func pieceRead(_ result: Result<ByteBuffer, SpoolFile.Failure>) {
        switch result {
        case .success(let bytes):
            guard sending.pieceRead(bytes.readableBytes) == .write, let stream, stream.isReady else { break }
            stream.write(bytes)
            owner?.appIsActive()
        case .failure(let failure):
            _ = sending.pieceRead(0)
            let action = machine.answerMalformed()
            closeStream()
            return lost(action, RequestError(.spoolFailed(failure.description), retrySafety: .unsafe))
        }
        pump()
    }

    /// Bytes of the client to the app; false if it takes no more at the moment.
    func tunnel(_ bytes: ByteBuffer) -> Bool {
        stream?.write(bytes)
        return stream?.isWritable ?? true
    }

    func endTunnelOutput() { stream?.endOutput() }
}

extension SendingMachine.Content {
    init(_ content: RequestContent, over transport: AppTransportKind) {
        switch content {
        case .none, .memory: self = .whole
        case .file(_, let length): self = .file(length: length)
        case .streamed(length: .some): self = .streamed(.length)
        case .streamed(length: nil): self = .streamed(transport == .session ? .streamEnd : .lastChunk)
        }
    }
}
