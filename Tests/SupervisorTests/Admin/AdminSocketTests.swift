// SPDX-License-Identifier: MIT

import ApplicationPool
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import SpawnPlan
import Testing
import WireProtocol

@testable import Supervisor

/// Spawns nothing.
private final class IdleSpawner: Spawning {
    final class Handle: SpawnHandle {
        func cancel() {}
    }

    func spawn(
        _ request: SpawnRequest,
        completion: @escaping (Result<SpawnedProcess, SpawnFailure>) -> Void
    ) -> any SpawnHandle { Handle() }
}

/// An admin socket with a pool behind it, on a loop of its own.
private final class RunningAdminSocket {
    let path: String
    private let directory: String
    private let socket: NIOLoopBound<AdminSocket>
    private let loop: any EventLoop

    init() throws {
        let directory = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "fp-admin-")
        let path = directory + "/admin.sock"
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.directory = directory
        self.path = path
        self.loop = loop
        self.socket = try loop.submit {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let pool = PoolDriver(eventLoop: loop, limits: PoolLimits(), spawner: IdleSpawner(), logger: logger)
            let service = AdminService(
                pool: pool,
                daemon: DaemonFacts(
                    instance: "Ab3dE5g",
                    socketPath: "/run/fp.sock",
                    watchdogPID: 1,
                    corePID: 2,
                    startedAt: 3,
                    maxPoolSize: 6
                ),
                threads: .init(root: .singleton, others: .singleton),
                fronts: { FrontsInspection() }
            )
            let socket = AdminSocket(eventLoop: loop, service: service, logger: logger)
            try socket.open(path: path)
            return NIOLoopBound(socket, eventLoop: loop)
        }.wait()
    }

    deinit {
        let socket = self.socket
        self.loop.execute { socket.value.close() }
        try? Files.removeTree(self.directory)
    }
}

/// The tool's side of a connection, blocking.
private final class Client {
    let socket: Descriptor
    private var decoder = FrameDecoder(phase: .toAdmin)

    init(_ path: String, role: PeerRole = .admin) throws {
        self.socket = try UnixSocket.connect(path: path)
        var buffer = ByteBuffer()
        Hello(role: role).write(into: &buffer)
        try self.send(buffer)
    }

    func send(_ buffer: ByteBuffer) throws { try self.socket.writeAll(buffer.readableBytesView) }

    func send(_ message: AdminMessage) throws {
        var buffer = ByteBuffer()
        message.write(into: &buffer)
        try self.send(buffer)
    }

    /// nil at the end of the connection.
    func next() throws -> AdminMessage? {
        while true {
            if let message = try AdminMessage.next(from: &self.decoder) { return message }
            let bytes = try self.socket.readSome(limit: 65_536)
            guard !bytes.isEmpty else { return nil }
            self.decoder.append(ByteBuffer(bytes: bytes))
        }
    }

    func ask(_ json: String, id: UInt64 = 1) throws -> AdminAnswer? {
        try self.send(.request(AdminRequest(id: id, json: ByteBuffer(string: json))))
        guard case .response(let response)? = try self.next(), response.id == id else { return nil }
        return try AdminAnswer(json: response.json.readableBytesView)
    }
}

@Suite struct AdminSocketTests {
    private let admin: RunningAdminSocket

    init() throws { self.admin = try RunningAdminSocket() }

    @Test func `everybody may connect`() throws {
        #expect(try FileStatus(path: admin.path).mode == 0o666)
    }

    @Test func `requests are answered one after the other`() throws {
        let client = try Client(admin.path)
        guard case .helloReply(let reply)? = try client.next() else {
            Issue.record("no answer to the greeting")
            return
        }
        #expect(reply.refusal == nil)
        #expect(try client.ask(#"{"command":"ping"}"#)?.done == true)
        let status = try #require(try client.ask(#"{"command":"status"}"#, id: 7)?.status)
        #expect(status.instance == "Ab3dE5g")
        #expect(status.maxPoolSize == 6)
        #expect(status.groups.isEmpty)
    }

    @Test func `a request in the same write as the greeting is answered`() throws {
        let socket = try UnixSocket.connect(path: admin.path)
        var buffer = ByteBuffer()
        Hello(role: .admin).write(into: &buffer)
        AdminMessage.ping(5).write(into: &buffer)
        try socket.writeAll(buffer.readableBytesView)
        var decoder = FrameDecoder(phase: .toAdmin)
        var messages: [AdminMessage] = []
        while messages.count < 2 {
            decoder.append(ByteBuffer(bytes: try socket.readSome(limit: 4096)))
            while let message = try AdminMessage.next(from: &decoder) { messages.append(message) }
        }
        #expect(messages.last == .pong(5))
    }

    @Test func `whoever takes no answers is not listened to, and the daemon's memory stays bounded`() throws {
        let client = try Client(admin.path)
        try client.socket.setNonBlocking()
        // Each is answered at once.
        var request = ByteBuffer()
        AdminMessage.request(AdminRequest(id: 1, json: ByteBuffer(string: #"{"command":"status"}"#))).write(
            into: &request
        )
        for _ in 0..<9 { AdminMessage.ping(1).write(into: &request) }
        let round = request.readableBytes
        var sent = 0
        while sent < 32 * 1024 * 1024 {
            guard try !Poll.wait(client.socket.rawValue, for: .writable, timeout: .seconds(2)).isEmpty else { break }
            let outcome = try request.withUnsafeReadableBytes { try Transfers.send(client.socket.rawValue, $0) }
            guard case .bytes(let count) = outcome else { continue }
            sent += count
            request.moveReaderIndex(forwardBy: count)
            if request.readableBytes == 0 { request.moveReaderIndex(to: request.writerIndex - round) }
        }
        #expect(sent < 16 * 1024 * 1024)
    }

    @Test func `a request that is not small ends its connection before it has arrived`() throws {
        let client = try Client(admin.path)
        _ = try client.next()
        try client.send(ByteBuffer(integer: WireLimits.adminRequestFrame + 1))
        try client.send(ByteBuffer(integer: MessageType.adminRequest.rawValue))
        #expect(try client.next() == nil)
    }

    @Test func `many questions in one write are answered one after the other`() throws {
        let client = try Client(admin.path)
        _ = try client.next()
        var all = ByteBuffer()
        for id in UInt64(1)...200 {
            let json = ByteBuffer(string: id % 2 == 0 ? #"{"command":"status"}"# : #"{"command":"ping"}"#)
            AdminMessage.request(AdminRequest(id: id, json: json)).write(into: &all)
        }
        try client.send(all)
        for id in UInt64(1)...200 {
            guard case .response(let response)? = try client.next() else {
                Issue.record("no answer to \(id)")
                return
            }
            #expect(response.id == id)
            let answer = try AdminAnswer(json: response.json.readableBytesView)
            #expect(id % 2 == 0 ? answer.status != nil : answer.done == true)
        }
    }

    @Test func `what is not understood is answered, not punished`() throws {
        let client = try Client(admin.path)
        _ = try client.next()
        #expect(try client.ask("{")?.error?.kind == .malformed)
        let unknown = try client.ask(#"{"command":"fly"}"#)
        #expect(unknown?.error?.kind == .unknownCommand)
        #expect(unknown?.error?.message.contains("'fly'") == true)
        #expect(try client.ask(#"{"command":"ping"}"#)?.done == true)
    }

    @Test(arguments: [#","pid":4711"#, #","pid":0"#, #","pid":-1"#, ""])
    func `work is asked of no process that there is not`(pid: String) throws {
        let client = try Client(admin.path)
        _ = try client.next()
        let answer = try client.ask(#"{"command":"request_oob_work"\#(pid)}"#)
        #expect(answer?.error?.kind == .noSuchProcess)
    }

    @Test func `bytes that are no frames end the connection`() throws {
        let client = try Client(admin.path)
        _ = try client.next()
        try client.send(ByteBuffer(bytes: [0, 0, 0, 2, 0x99, 0]))
        #expect(try client.next() == nil)
    }

    @Test func `other roles are refused with a reason`() throws {
        let client = try Client(admin.path, role: .control)
        guard case .helloReply(let reply)? = try client.next() else {
            Issue.record("no answer to the greeting")
            return
        }
        #expect(reply.refusal != nil)
        #expect(try client.next() == nil)
    }
}
