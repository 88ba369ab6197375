// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Synchronization
import WireProtocol

/// What an app was asked, in either transport.
struct StubRequest: Sendable {
    /// CGI variables, or for HTTP the head in "head"; in "raw" what came in one piece behind an upgrade.
    var variables: [String: String]
    var body: [UInt8]

    var path: String {
        self.variables["PATH_INFO"] ?? self.variables["head"]?.split(separator: " ").dropFirst().first.map(String.init)
            ?? ""
    }
}

struct StubReply: Sendable {
    var bytes: [UInt8]
    var closes = false

    init(_ text: String, closes: Bool = false) {
        self.bytes = Array(text.utf8)
        self.closes = closes
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    static func ok(_ body: String) -> StubReply {
        StubReply("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

/// Daemon and app in one: attaches every stream, and answers its requests by a script.
final class StubApp: Sendable {
    typealias Script = @Sendable (StubRequest) -> StubReply?

    let isSession: Bool
    let script: Script
    let streams = Atomic(0)
    let requests = Mutex<[StubRequest]>([])
    /// Streams that are open; written to by tests that answer later.
    let channels = Mutex<[any Channel]>([])

    init(isSession: Bool, script: @escaping Script) {
        self.isSession = isSession
        self.script = script
    }

    func listen(on path: String, group: any EventLoopGroup) throws -> any Channel {
        try ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                self.streams.add(1, ordering: .relaxed)
                self.channels.withLock { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StubStream(app: self))
                }
            }
            .bind(unixDomainSocketPath: path)
            .wait()
    }

    func write(_ text: String) throws {
        guard let channel = self.channels.withLock({ $0.last }) else { return }
        try channel.writeAndFlush(ByteBuffer(string: text)).wait()
    }
}

private final class StubStream: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let app: StubApp
    private var isAttached = false
    private var buffer = ByteBuffer()
    private var headLength = 0
    /// A request for an upgrade was read.
    private var isRaw = false

    init(app: StubApp) { self.app = app }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.buffer.writeBuffer(&bytes)
        if !self.isAttached {
            guard let length = self.buffer.getInteger(at: self.buffer.readerIndex, as: UInt32.self),
                self.buffer.readableBytes >= Int(length) + 4
            else { return }
            self.buffer.moveReaderIndex(forwardBy: Int(length) + 4)
            self.isAttached = true
            var reply = ByteBuffer()
            DaemonMessage.attached(Attached(mode: .relayed)).write(into: &reply)
            context.writeAndFlush(self.wrapOutboundOut(reply), promise: nil)
        }
        while let request = self.app.isSession ? self.nextSession() : self.nextHTTP() {
            self.app.requests.withLock { $0.append(request) }
            guard let reply = self.app.script(request) else { continue }
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: reply.bytes)), promise: nil)
            if reply.closes { return context.close(promise: nil) }
        }
    }

    private func nextSession() -> StubRequest? {
        if self.isRaw { return self.nextRaw() }
        guard let length = self.buffer.getInteger(at: self.buffer.readerIndex, as: UInt32.self),
            let block = self.buffer.getString(at: self.buffer.readerIndex + 4, length: Int(length))
        else { return nil }
        let parts = block.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        var variables: [String: String] = [:]
        for index in stride(from: 0, to: parts.count - 1, by: 2) { variables[parts[index]] = parts[index + 1] }
        let bodyLength = variables["CONTENT_LENGTH"].flatMap { Int($0) } ?? 0
        guard self.buffer.readableBytes >= Int(length) + 4 + bodyLength else { return nil }
        self.buffer.moveReaderIndex(forwardBy: Int(length) + 4)
        self.isRaw = variables["HTTP_UPGRADE"] != nil
        return StubRequest(variables: variables, body: self.buffer.readBytes(length: bodyLength) ?? [])
    }

    private func nextRaw() -> StubRequest? {
        guard self.buffer.readableBytes > 0 else { return nil }
        let text = self.buffer.readString(length: self.buffer.readableBytes) ?? ""
        return StubRequest(variables: ["raw": text], body: [])
    }

    /// Requests with `Content-Length` only; anything behind an upgrade is taken as one request per read.
    private func nextHTTP() -> StubRequest? {
        if self.isRaw || self.buffer.readableBytesView.starts(with: "raw:".utf8) {
            return self.nextRaw()
        }
        if self.headLength == 0 { self.headLength = self.findHead() }
        guard self.headLength > 0,
            let head = self.buffer.getString(at: self.buffer.readerIndex, length: self.headLength)
        else { return nil }
        let lengthLine = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        let length = lengthLine.flatMap { Int($0.dropFirst("content-length:".count).drop { $0 == " " }) } ?? 0
        guard self.buffer.readableBytes >= self.headLength + length else { return nil }
        self.buffer.moveReaderIndex(forwardBy: self.headLength)
        self.headLength = 0
        self.isRaw = head.contains("\r\nUpgrade: ")
        return StubRequest(variables: ["head": head], body: self.buffer.readBytes(length: length) ?? [])
    }

    /// Bytes up to the end of the empty line, 0 if it is not here.
    private func findHead() -> Int {
        let view = self.buffer.readableBytesView
        guard view.count >= 4 else { return 0 }
        for start in view.indices.dropLast(3) where view[start..<start + 4].elementsEqual("\r\n\r\n".utf8) {
            return start + 4 - view.startIndex
        }
        return 0
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent, !self.app.isSession || self.isRaw {
            context.close(promise: nil)
        }
    }
}
