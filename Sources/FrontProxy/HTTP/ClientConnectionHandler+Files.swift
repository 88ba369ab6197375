// SPDX-License-Identifier: MIT

import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore
import NIOPosix

// Static files: sent by the kernel (`sendfile`), as far and as fast as the client takes them.
extension ClientConnectionHandler {
    /// True if the request was answered (or refused) as one for a file.
    func answerWithFile() -> Bool {
        var lookup = self.loop.findFile(self.path, in: self.route)
        if case .failed(let error) = lookup, error.isTooManyDescriptors, self.loop.makeRoom() > 0 {
            lookup = self.loop.findFile(self.path, in: self.route)
        }
        switch lookup {
        case .none: return false
        case .forbidden: self.fail(RequestError(.forbidden))
        case .failed(let error):
            let reason = "\(error)"
            self.fail(RequestError(error.isTooManyDescriptors ? .noDescriptor(reason) : .fileFailed(reason)))
        case .found(let file): self.answer(with: file)
        }
        return true
    }

    private func answer(with file: FoundFile) {
        let tag = file.entityTag
        let selection = self.headBytes.withUnsafeReadableBytes { bytes in
            ConditionalRequest(head: self.head, bytes: bytes)
                .select(size: file.size, modified: file.modified, entityTag: tag)
        }
        switch selection {
        case .notModified:
            self.beginOwnAnswer(304)
            self.writeValidators(file, tag)
            self.endOwnHead(304)
            self.write(self.outgoing)
            self.completeAnswer()
        case .unsatisfiable:
            let lines = "Content-Range: bytes */\(file.size)\r\nAccept-Ranges: bytes\r\n"
            self.respond(416, contentType: "text/plain; charset=utf-8", body: ByteBuffer(), lines: lines)
        case .whole: self.send(file, 0..<file.size, 200, tag)
        case .part(let range): self.send(file, range, 206, tag)
        }
    }

    private func writeValidators(_ file: FoundFile, _ tag: String) {
        self.outgoing.writeStaticString("Last-Modified: ")
        HTTPDate.write(file.modified, into: &self.outgoing)
        self.outgoing.writeString("\r\nETag: \(tag)\r\n")
    }

    private func send(_ file: FoundFile, _ range: Range<Int>, _ status: Int, _ tag: String) {
        self.beginOwnAnswer(status)
        let type = self.route.mimeTypes.type(ofPath: file.name)
        self.outgoing.writeString("Content-Type: \(type)\r\nContent-Length: \(range.count)\r\n")
        self.writeValidators(file, tag)
        self.outgoing.writeStaticString("Accept-Ranges: bytes\r\n")
        if status == 206 {
            self.outgoing.writeString(
                "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)\r\n"
            )
        }
        self.endOwnHead(status)
        guard self.head.method == .get, !range.isEmpty, let context = self.channelContext,
            let descriptor = file.release()
        else {
            self.write(self.outgoing)
            return self.completeAnswer()
        }
        self.account.bytesSent = range.count
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
        let region = FileRegion(fileHandle: handle, readerIndex: range.lowerBound, endIndex: range.upperBound)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            // Nothing was written to it; a failure to close means nothing.
            try? handle.close()
            switch result {
            case .success: self.completeAnswer()
            // Also when the file became shorter while it was sent.
            case .failure: self.breakAnswer()
            }
        }
        self.setDeadline(after: .init(self.route.sendTimeout))
        self.timer.handedBytes += self.outgoing.readableBytes + range.count
        context.write(self.wrapOutboundOut(.byteBuffer(self.outgoing)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.fileRegion(region)), promise: promise)
    }
}
