// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import WireProtocol

@testable import FrontProxy
@testable import LinuxSystem

/// A front's data path on one event loop, between real sockets: a client's on one side, a stub's on the other.
final class DataPath {
    let directory: TestDirectory
    let app: StubApp
    let notes = StubBroker.Notes()
    let port: UInt16
    private let group: MultiThreadedEventLoopGroup
    private let threadPool = NIOThreadPool(numberOfThreads: 1)
    private let stub: any Channel
    private let server: TCPListener
    private let eventLoop: SocketLoop
    private let loop: NIOLoopBound<WorkerLoopContext>
    private let broker: NIOLoopBound<StubBroker>

    init(
        _ transport: AppTransportKind = .session,
        otherMounts: [ServerModel.Mount] = [],
        sendBuffer: Int32? = nil,
        shares: ClientShares = ClientShares(),
        change: (inout RouteModel.Values) -> Void = { _ in },
        changeModel: (inout FrontModel) -> Void = { _ in },
        script: @escaping StubApp.Script
    ) throws {
        self.directory = try TestDirectory()
        self.app = StubApp(isSession: transport == .session, script: script)
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.threadPool.start()
        self.notes.transport.withLock { $0 = transport }
        let socket = self.directory.file("d.sock")
        self.stub = try self.app.listen(on: socket, group: self.group)

        let listen = ListenAddress.tcp(host: "127.0.0.1", port: 1)
        var values = RouteModel.Values()
        values.app = FrontApp(id: 0, groupName: "test", settings: SettingsList([]))
        values.documentRoot = self.directory.path
        change(&values)
        let mount = ServerModel.Mount(path: "/", match: .prefix, route: RouteModel(values))
        let server = ServerModel(names: ["localhost"], listens: [listen], mounts: [mount] + otherMounts)
        var model = FrontModel(listens: [.init(address: listen)], servers: [server], apps: [])
        model.dataBufferDirectory = self.directory.path
        changeModel(&model)

        self.eventLoop = try SocketLoop { error in fatalError("\(error)") }
        let (eventLoop, notes, threadPool, finalModel) = (self.eventLoop, self.notes, self.threadPool, model)
        let broker = try eventLoop.submit {
            NIOLoopBound(StubBroker(eventLoop: eventLoop, notes: notes), eventLoop: eventLoop)
        }
        .wait()
        self.broker = broker
        let attacher = try StreamAttacher(socketPath: socket, features: WireFeature.supported) { _ in }
        self.loop = try eventLoop.submit {
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let context = WorkerLoopContext(
                eventLoop: eventLoop,
                link: broker.value,
                streams: StreamPool(eventLoop: eventLoop, attacher: attacher, logger: logger),
                model: finalModel,
                accessLog: AccessLog(
                    eventLoop: eventLoop,
                    writer: AccessLogWriter(pipe: nil, names: [], logger: logger)
                ),
                threadPool: threadPool,
                logger: logger,
                shares: shares
            )
            return NIOLoopBound(context, eventLoop: eventLoop)
        }
        .wait()
        self.server = try TCPListener.bind(host: "127.0.0.1", port: 0, nonBlocking: true)
        self.port = self.server.port
        let (bound, number) = (self.loop, self.server.rawValue)
        try eventLoop.submit {
            _ = try eventLoop.epoll.add(number) { _ in
                guard let accepted = try? UnixListener.accept(on: number, nonBlocking: true) else { return }
                if let sendBuffer { Self.setSendBuffer(accepted.rawValue, sendBuffer) }
                // A client that has left already is none.
                try? HTTP1Connection(context: bound.value, listen: listen).open(accepted.takeDescriptor())
            }
        }
        .wait()
    }

    private static func setSendBuffer(_ socket: Int32, _ bytes: Int32) {
        // Without it the kernel's own size counts, and the test says what it misses.
        try? SocketOption.set(
            socket,
            NIOBSDSocket.OptionLevel.socket.rawValue,
            NIOBSDSocket.Option.so_sndbuf.rawValue,
            bytes
        )
    }

    deinit {
        // The process ends anyway when it cannot be shut down in order.
        self.eventLoop.shutdownGracefully { _ in }
        try? self.stub.close().wait()
        self.threadPool.shutdownGracefully { _ in }
        self.group.shutdownGracefully { _ in }
        self.directory.remove()
    }

    /// The daemon is gone.
    func closeStub() throws { try self.stub.close().wait() }

    /// All sessions that are held end without their holders' doing.
    func abortAll(_ loss: SessionLoss) throws {
        let broker = self.broker
        try broker.eventLoop.submit { broker.value.abortAll(loss) }.wait()
    }

    /// Whoever waits for details of a failed start has them now.
    func handOverDetails() throws {
        let broker = self.broker
        try broker.eventLoop.submit { broker.value.handOverDetails() }.wait()
    }

    /// Lets time pass on the loop.
    func wait(_ time: TimeAmount) throws -> Bool {
        try self.loop.eventLoop.scheduleTask(in: time) { true }.futureResult.wait()
    }

    func connect() throws -> HTTPConnection { try HTTPConnection(port: self.port, limit: .seconds(20)) }

    /// Runs on the loop of the data path.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (WorkerLoopContext) -> Value) throws -> Value {
        let bound = self.loop
        return try bound.eventLoop.submit { body(bound.value) }.wait()
    }
}

extension WorkerLoopContext {
    /// Bytes of answers that wait in the front for their clients.
    var bufferedOutput: Int {
        self.openConnections.reduce(0) { $0 + $1.bufferedBytes }
    }
}
