// SPDX-License-Identifier: MIT

import LinuxSystem
import NIOCore
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

struct StreamRelayTests {
    let harness: RelayHarness
    let app: EchoApp

    init() throws {
        self.harness = try RelayHarness()
        self.app = try EchoApp()
    }

    @Test func `bytes go both ways, those behind the Hello first`() throws {
        let (front, app) = try self.harness.open(self.app, early: "GET ")
        try front.send("/")
        #expect(try app.read(5) == "GET /")
        try app.send("answer")
        #expect(try front.read(6) == "answer")
        try front.send("again")
        #expect(try app.read(5) == "again")
    }

    @Test func `each direction is half-closed on its own`() throws {
        let (front, app) = try self.harness.open(self.app)
        try front.send("request")
        try front.socket.shutdownWrite()
        #expect(try app.readToEnd() == ByteBuffer(string: "request"))
        try app.send("answer")
        #expect(try front.read(6) == "answer")
        try app.socket.shutdownWrite()
        #expect(try front.readToEnd().readableBytes == 0)
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `an answer whose app closes at once arrives whole`() throws {
        let front: WireClient
        do {
            let (opened, app) = try self.harness.open(self.app)
            front = opened
            try front.send("request")
            _ = try app.read(7)
            try app.send(String(repeating: "x", count: 100_000))
        }
        #expect(try front.readToEnd().readableBytes == 100_000)
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `a reader that is slow holds back the writer, and loses nothing`() throws {
        let (front, app) = try self.harness.open(self.app)
        try front.socket.setNonBlocking()
        let chunk = [UInt8](repeating: 7, count: 65_536)
        var taken = 0
        // Stops when sockets and relay are full; a relay without bound would take everything.
        for _ in 0..<1000 {
            let transfer = try chunk.withUnsafeBytes { bytes in
                try front.socket.send(bytes)
            }
            if case .bytes(let count) = transfer {
                taken += count
            } else if try Poll.wait(front.socket.rawValue, for: .writable, timeout: .milliseconds(300)).isEmpty {
                break
            }
        }
        #expect(taken < 4 * 1024 * 1024)
        try front.socket.shutdownWrite()
        #expect(try app.readToEnd().readableBytes == taken)
    }

    @Test func `much goes through in both directions at once`() throws {
        let front = try self.harness.attach(self.harness.token(to: self.app.address))
        _ = try front.nextAttached()
        try self.app.echoOne()
        let total = 32 * 1024 * 1024
        let writer = SharedDescriptor(try front.socket.duplicated())
        _ = try OSThread.start(name: "writer") {
            var random: UInt64 = 1
            for _ in 0..<(total / 65_536) {
                let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                    for index in 0..<65_536 {
                        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        buffer[index] = UInt8(truncatingIfNeeded: random >> 56)
                    }
                    count = 65_536
                }
                // The reader sees a failure as missing bytes.
                guard (try? writer.descriptor.writeAll(bytes)) != nil else { return }
            }
            try? writer.descriptor.shutdownWrite()
        }
        let bytes = try front.readToEnd()
        #expect(bytes.readableBytes == total)
        var random: UInt64 = 1
        var isEqual = true
        bytes.withUnsafeReadableBytes { buffer in
            for byte in buffer {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                if byte != UInt8(truncatingIfNeeded: random >> 56) { isEqual = false }
            }
        }
        #expect(isEqual)
    }

    // MARK: Refusals

    private func refusal(of client: WireClient) throws -> String? {
        guard case .helloReply(let reply) = try client.next() else { return nil }
        return reply.refusal
    }

    @Test func `a token that nobody gave out opens nothing`() throws {
        let front = try self.harness.attach(StreamToken(high: 1, low: 2))
        #expect(try self.refusal(of: front)?.contains("token is not valid") == true)
        #expect(throws: WireClient.Ended.self) { try front.next() }
    }

    @Test func `a token shown by another user opens nothing`() throws {
        let front = try self.harness.attach(self.harness.token(to: self.app.address), uid: 8)
        #expect(try self.refusal(of: front)?.contains("token is not valid") == true)
    }

    @Test func `a token dies with its process and with its connection`() throws {
        let token = self.harness.token(to: self.app.address)
        self.harness.directory.remove(RelayHarness.group.process)
        #expect(try self.refusal(of: self.harness.attach(token)) != nil)
        let other = self.harness.token(to: self.app.address)
        #expect(other != token)
        self.harness.directory.remove(RelayHarness.group.connection)
        #expect(try self.refusal(of: self.harness.attach(other)) != nil)
        #expect(self.harness.directory.count == 0)
    }

    @Test func `where nobody listens the stream is refused with the reason`() throws {
        let front = try self.harness.attach(self.harness.token(to: .unix(path: self.app.directory.file("nobody"))))
        #expect(try self.refusal(of: front)?.contains("ENOENT") == true)
        #expect(self.harness.failures == [RelayHarness.group.process])
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `a full backlog is tried again`() throws {
        let small = try EchoApp(backlog: 1)
        var queued = DescriptorList()
        filling: while true {
            do {
                queued.append(try UnixSocket.connect(path: small.directory.file("app"), nonBlocking: true))
            } catch {
                #expect(error.isWouldBlock)
                break filling
            }
        }
        let front = try self.harness.attach(self.harness.token(to: small.address), early: "late")
        #expect(try Poll.wait(front.socket.rawValue, for: .readable, timeout: .milliseconds(100)).isEmpty)
        for _ in 0..<queued.count { _ = try small.accept() }
        _ = try front.nextAttached()
        #expect(try small.accept().read(4) == "late")
    }

    @Test func `an app may listen on TCP`() throws {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        let front = try self.harness.attach(
            self.harness.token(to: .tcp(host: "127.0.0.1", port: listener.port, owner: CurrentProcess.effectiveUID)),
            early: "GET"
        )
        _ = try front.nextAttached()
        #expect(try !Poll.wait(listener.rawValue, for: .readable, timeout: .seconds(20)).isEmpty)
    }

    @Test func `a TCP port of another user is sent nothing`() throws {
        let listener = try TCPListener.bind(host: "127.0.0.1", port: 0)
        let owner = CurrentProcess.effectiveUID + 1
        let address = AppAddress.tcp(host: "127.0.0.1", port: listener.port, owner: owner)
        let front = try self.harness.attach(self.harness.token(to: address), early: "GET / secret")
        let refusal = try #require(try self.refusal(of: front))
        #expect(refusal.contains("belongs to uid \(CurrentProcess.effectiveUID)"), "\(refusal)")
        #expect(self.harness.failures == [RelayHarness.group.process])
        let accepted = try UnixListener.accept(on: listener.rawValue).takeDescriptor()
        let bytes = try accepted.readAll(limit: 100)
        #expect(bytes.isEmpty)
    }

    @Test func `a TCP port where nobody listens is refused`() throws {
        let port = try TCPListener.bind(host: "127.0.0.1", port: 0).port
        let front = try self.harness.attach(self.harness.token(to: .tcp(host: "127.0.0.1", port: port, owner: 7)))
        #expect(try self.refusal(of: front)?.contains("ECONNREFUSED") == true)
    }

    // MARK: Ends

    @Test func `what a process said before it ended arrives, although somebody keeps its socket`() throws {
        let (front, app) = try self.harness.open(self.app)
        try app.send("last words")
        self.harness.relay.order(.processGone(RelayHarness.group.process))
        #expect(try front.readToEnd() == ByteBuffer(string: "last words"))
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `streams of a lost front are shut, read to their end, and counted`() throws {
        let (front, app) = try self.harness.open(self.app)
        try front.send("request")
        #expect(try app.read(7) == "request")
        self.harness.relay.order(
            .frontLost(
                RelayHarness.group.connection,
                limits: [RelayHarness.group.process: .seconds(600)],
                front: .unknown
            )
        )
        try self.harness.waitForReport(1)
        #expect(try app.readToEnd().readableBytes == 0)
        #expect(try front.readToEnd().readableBytes == 0)
        // More than all buffers hold: the relay has to read it for nobody.
        try app.send(String(repeating: "x", count: 4 * 1024 * 1024))
        try app.socket.shutdownBoth()
        try self.harness.waitForReport(0)
    }

    @Test func `an app that does not end has the time limit`() throws {
        let (front, app) = try self.harness.open(self.app)
        try front.send("request")
        self.harness.relay.order(
            .frontLost(
                RelayHarness.group.connection,
                limits: [RelayHarness.group.process: .milliseconds(50)],
                front: .unknown
            )
        )
        try self.harness.waitForReport(1)
        try self.harness.waitForReport(0)
        #expect(try app.readToEnd() == ByteBuffer(string: "request"))
    }

    @Test func `a front without streams is reported at once`() throws {
        self.harness.relay.order(
            .frontLost(
                RelayHarness.group.connection,
                limits: [RelayHarness.group.process: .seconds(600)],
                front: .unknown
            )
        )
        try self.harness.waitForReport(0)
    }

    @Test func `streams that are of no more use are closed`() throws {
        let (front, app) = try self.harness.open(self.app)
        self.harness.relay.order(.close(RelayHarness.group))
        #expect(try front.readToEnd().readableBytes == 0)
        #expect(try app.readToEnd().readableBytes == 0)
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    @Test func `a stream that the front closes ends for the app, even if it does not listen`() throws {
        let app: WireClient
        do {
            let (front, opened) = try self.harness.open(self.app)
            try front.send("request")
            app = opened
        }
        #expect(try app.readToEnd() == ByteBuffer(string: "request"))
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
    }

    // MARK: What was not read

    /// What the relay says about a stream.
    private func wasUnread(_ number: StreamNumber) throws -> Bool {
        self.harness.relay.order(.lookUp(number, of: RelayHarness.group))
        return try self.harness.nextLookUp(of: number)
    }

    @Test func `bytes that an app left unread when it closed are known before the front reads the end`() throws {
        let front = try self.harness.attach(self.harness.token(to: self.app.address))
        let number = try front.nextAttached()
        do {
            let app = try self.app.accept()
            try front.send("request")
            #expect(try !Poll.wait(app.socket.rawValue, for: .readable, timeout: .seconds(20)).isEmpty)
        }
        #expect(try front.readToEnd().readableBytes == 0)
        #expect(try self.wasUnread(number))
    }

    @Test func `bytes that come when the app has closed are known as unread`() throws {
        let front = try self.harness.attach(self.harness.token(to: self.app.address))
        let number = try front.nextAttached()
        do { _ = try self.app.accept() }
        #expect(try !Poll.wait(front.socket.rawValue, for: .readable, timeout: .seconds(20)).isEmpty)
        try front.send("request")
        try eventually("it is known") { try self.wasUnread(number) }
        #expect(try front.readToEnd().readableBytes == 0)
    }

    @Test func `what an app has read before it closed is not unread`() throws {
        let front = try self.harness.attach(self.harness.token(to: self.app.address))
        let number = try front.nextAttached()
        do {
            let app = try self.app.accept()
            try front.send("request")
            #expect(try app.read(7) == "request")
        }
        #expect(try front.readToEnd().readableBytes == 0)
        #expect(try !self.wasUnread(number))
    }

    @Test func `a front that does not close its end does not hold the stream for ever`() throws {
        let front = try self.harness.attach(self.harness.token(to: self.app.address))
        _ = try front.nextAttached()
        do { _ = try self.app.accept() }
        try eventually("the stream is gone") { self.harness.openStreams == 0 }
        #expect(try front.readToEnd().readableBytes == 0)
    }

    @Test func `the streams of others are nobody's business, and only the latest are known`() {
        let other = StreamGroup(connection: ConnectionID(rawValue: 9), process: RelayHarness.group.process)
        var unread = UnreadStreams()
        for number in 0...UInt64(UnreadStreams.capacity) {
            unread.insert(StreamNumber(rawValue: number), of: RelayHarness.group)
            unread.insert(StreamNumber(rawValue: number), of: RelayHarness.group)
        }
        #expect(unread.count == UnreadStreams.capacity)
        #expect(!unread.contains(StreamNumber(rawValue: 0), of: RelayHarness.group))
        #expect(unread.contains(StreamNumber(rawValue: 1), of: RelayHarness.group))
        #expect(!unread.contains(StreamNumber(rawValue: 1), of: other))
    }

    @Test func `slots are used again without mixing streams up`() throws {
        for round in 0..<50 {
            let streams = try (0..<4).map { _ in try self.harness.open(self.app) }
            for (index, stream) in streams.enumerated() { try stream.front.send("stream \(round % 10) \(index)") }
            for (index, stream) in streams.enumerated() {
                #expect(try stream.app.read(10) == "stream \(round % 10) \(index)")
            }
        }
    }
}
