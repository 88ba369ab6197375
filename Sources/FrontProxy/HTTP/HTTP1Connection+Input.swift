// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import NIOCore

// What the client sends: heads, bodies, and bytes of a tunnel.
extension HTTP1Connection {
    /// More of a head that is not complete counts against its client.
    private static let shortHeadBytes = 4 * 1024
    private static let tooLongHeads = "heads that this client does not complete take more than its share of memory"

    /// Uses the bytes that are here as far as they go; answers that are complete at once lead to the next request.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while inbound.readableBytes > 0 {
            // A client that asks and asks without reading must not fill the memory with its answers.
            if machine.isIdle, !isWritable { return pauseInput() }
            switch machine.bytesArrived() {
            case .parseHead: if !parseHead() { return }
            case .readBody:
                guard readBody() else {
                    if inbound.readableBytes == 0, machine.inputExhausted() { abandonRequest() }
                    return
                }
            case .keep: return
            case .tunnel: return readTunnel()
            case .drop: inbound = ByteBuffer()
            }
        }
        if machine.inputExhausted() { abandonRequest() }
    }

    /// False if more bytes are needed.
    private func parseHead() -> Bool {
        let request = partial ?? loop.makeRequest(addresses)
        partial = request
        switch request.head.advance(over: inbound) {
        case .needMore:
            guard mayKeepHead() else {
                refuseHead(RequestError(.overShare(Self.tooLongHeads)))
                return false
            }
            switch machine.headIncomplete() {
            case .startClock: setDeadline(after: .init(loop.model.clientHeaderTimeout))
            case .close: closeAfterOutput()
            case .wait, .none: break
            }
            return false
        case .failed(let error):
            refuseHead(RequestError(.framing(error)))
            return false
        case .complete:
            request.takeHead(from: &inbound)
            partial = nil
            headShare = nil
            begin(request)
            return true
        }
    }

    /// Its client decides for how long a head is not complete.
    private func mayKeepHead() -> Bool {
        guard inbound.readableBytes > Self.shortHeadBytes else { return true }
        let share = headShare ?? loop.shares.share(of: addresses.peer.address, in: .memory, free: Self.shortHeadBytes)
        headShare = share
        return share.resize(to: inbound.readableBytes)
    }

    private func begin(_ request: ClientRequest) {
        machine.headCompleted(allowsKeepAlive: request.head.allowsKeepAlive, hasBody: request.head.body != .none)
        incoming =
            switch request.head.body {
            case .bytes(let count): .bytes(remaining: count)
            case .chunked: .chunked(ChunkedDecoder())
            case .none, .untilClose: .none
            }
        let exchange = Exchange(loop: loop, client: self, request: request)
        self.exchange = exchange
        exchange.begin(in: hosts, isBodyHere: inbound.readableBytes > 0)
    }

    /// Nothing behind this head can be trusted.
    func refuseHead(_ error: RequestError) {
        machine.headFailed()
        let request = partial ?? loop.makeRequest(addresses)
        partial = nil
        headShare = nil
        let exchange = Exchange(loop: loop, client: self, request: request)
        self.exchange = exchange
        exchange.refuse(error, in: hosts)
    }

    /// False if more bytes are needed, or the rest has to wait.
    private func readBody() -> Bool {
        switch exchange?.bodyDemand ?? .never {
        case .later:
            pauseInput()
            return false
        case .never:
            inbound = ByteBuffer()
            return false
        case .now: break
        }
        var payload = ByteBuffer()
        var isLast = true
        switch incoming {
        case .none: break
        case .bytes(let remaining):
            let count = min(remaining, inbound.readableBytes)
            payload = inbound.readSlice(length: count) ?? ByteBuffer()
            incoming = .bytes(remaining: remaining - count)
            isLast = count == remaining
        case .chunked(var decoder):
            let outcome = decoder.decode(&inbound, into: &payload)
            incoming = .chunked(decoder)
            if case .failed(let error) = outcome {
                exchange?.bodyBroken(error)
                return false
            }
            isLast = outcome == .finished
        }
        if isLast { machine.bodyCompleted() }
        exchange?.bodyReceived(payload, isLast: isLast)
        return isLast
    }

    private func readTunnel() {
        let bytes = inbound
        inbound = ByteBuffer()
        guard let exchange else { return closeNow() }
        // It may have been paused before it was a tunnel.
        resumeReading()
        exchange.tunnelReceived(bytes)
    }

    /// The rest of the request, if there is one under way, will never come.
    func abandonRequest() {
        leaveExchange()
        closeAfterOutput()
    }
}
