// SPDX-License-Identifier: MIT

import AppTransport
import FrontConfiguration
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import ProgramLog
import Synchronization
import WireProtocol

/// A worker with its event loops, acceptor and logs.
final class Worker: Sendable {
    private enum Phase {
        case serving
        case draining
        /// All connections were told to close.
        case quitting
    }

    private let bootstrap: WorkerBootstrap
    private let model: FrontModel
    private let accessLogs: AccessLogWriter
    private let logger: Logger
    private let listeners: [Acceptor.Listener]
    private let eventLoops: [SocketLoop]
    private let threadPool = NIOThreadPool(numberOfThreads: 2)
    private let throttle = MessageThrottle()
    private let forwardingNotes = ForwardingNotes()
    private let linkNotes = LinkNotes()
    private let shares: ClientShares
    /// Where bodies spill to.
    private let temporaryDirectory: String
    private let customPages: CustomPages
    private let parts = Mutex(Parts())

    private struct Parts {
        var phase = Phase.serving
        var loops: [WorkerLoop] = []
        var acceptor: Acceptor?
        var signals: SignalStream?
        var busyLoops = 0
    }

    /// Time for the last bytes to clients when the end was asked for at once.
    private static let quitGrace = TimeAmount.seconds(2)
    /// Until memory is given back of which much was in use and is not any more.
    private static let trimDelay = TimeAmount.seconds(5)

    /// `descriptors` are the listeners; what it logs goes to the master, over its standard error and `accessLog`.
    init(
        _ bootstrap: WorkerBootstrap,
        descriptors: consuming DescriptorList,
        accessLog: consuming Descriptor
    ) throws {
        self.bootstrap = bootstrap
        var descriptors = descriptors
        let scale = LogScale(bootstrap.logLevel) ?? .standard
        logger = ProgramLog(output: .relayed(to: try .standardError()), scale: scale).logger(label: "front-proxy")
        customPages = CustomPages(logger: logger)
        model = try bootstrap.source.read(bootstrap.snapshot).model
        var listeners: [Acceptor.Listener] = []
        for address in bootstrap.listens {
            guard let socket = descriptors.takeFirst() else {
                throw WorkerStartError(description: "sockets are missing")
            }
            listeners.append(Acceptor.Listener(address: address, socket: SharedDescriptor(socket)))
        }
        self.listeners = listeners
        accessLogs = AccessLogWriter(
            pipe: SharedDescriptor(accessLog),
            names: model.accessLogs.map(\.path),
            logger: logger
        )
        let eventLoops = try Self.makeEventLoops(bootstrap.threads, logger)
        self.eventLoops = eventLoops
        temporaryDirectory = model.dataBufferDirectory ?? CurrentProcess.environment("TMPDIR") ?? "/tmp"
        let threadPool = threadPool
        shares = ClientShares(.init(temporaryDirectory: temporaryDirectory)) {
            // What was kept is about to be freed.
            eventLoops.first?.scheduleTask(in: Self.trimDelay) { threadPool.submit { _ in HeapMemory.giveBack() } }
        }
    }

    func start() throws {
        threadPool.start()
        let presence = DaemonPresence(socketPath: bootstrap.flyWith ?? "", logger: logger)
        let attacher = try makeAttacher()
        let loops = try eventLoops.map { loop in
            try loop.submit { self.makeLoop(loop, presence, attacher) }.wait()
        }
        let trust = PeerTrust(model: model, logger: logger)
        // nginx counts per worker process, of which there are as many as event loops here.
        let limit = model.workerConnections.map { $0 * loops.count }
        let acceptor = try Acceptor(
            listeners: listeners,
            loops: loops,
            trust: trust,
            connectionLimit: limit,
            logger: logger
        )
        // A signal that somebody sends to the worker itself; the master has its own channel.
        let signals = try SignalStream([.terminate, .quit]) { _ in self.drain(DrainOrder(closingListens: [])) }
        parts.withLock { parts in
            parts.loops = loops
            parts.acceptor = acceptor
            parts.signals = signals
        }
        try LingerGuard.startIfNeeded()
        try acceptor.start()
    }

    /// What the daemon is offered.
    private var features: UInt64 {
        let features = WireFeature.supported(without: Floor.lacks)
        return bootstrap.takesAppSockets ? features : features & ~WireFeature.handedOverStreams
    }

    private func makeAttacher() throws(SystemError) -> StreamAttacher {
        let logger = logger
        return try StreamAttacher(socketPath: bootstrap.flyWith ?? "", features: features) {
            error in
            logger.critical("cannot wait for streams", metadata: [LogKeys.error: "\(error)"])
            CurrentProcess.exit(1)
        }
    }

    private static func makeEventLoops(_ count: Int, _ logger: Logger) throws(SystemError) -> [SocketLoop] {
        var loops: [SocketLoop] = []
        for _ in 0..<count {
            loops.append(
                try SocketLoop { error in
                    logger.critical("cannot wait for sockets", metadata: [LogKeys.error: "\(error)"])
                    CurrentProcess.exit(1)
                }
            )
        }
        return loops
    }

    private func makeLoop(
        _ loop: SocketLoop,
        _ presence: DaemonPresence,
        _ attacher: StreamAttacher
    ) -> WorkerLoop {
        let socketPath = bootstrap.flyWith ?? ""
        let link = DaemonLink(
            eventLoop: loop,
            socketPath: socketPath,
            hello: Hello(
                role: .control,
                frontName: bootstrap.frontName,
                workerToken: bootstrap.token,
                features: features
            ),
            presence: presence,
            logger: logger
        )
        let streams = StreamPool(eventLoop: loop, attacher: attacher, logger: logger)
        link.streamPool = streams
        let context = WorkerLoopContext(
            eventLoop: loop,
            link: link,
            streams: streams,
            model: model,
            accessLog: AccessLog(eventLoop: loop, writer: accessLogs, logs: model.accessLogs),
            threadPool: threadPool,
            logger: logger,
            throttle: throttle,
            shares: shares,
            forwardingNotes: forwardingNotes,
            linkNotes: linkNotes,
            customPages: customPages,
            temporaryDirectory: temporaryDirectory
        )
        if bootstrap.flyWith != nil { link.start() }
        return WorkerLoop(context: context, link: link)
    }

    /// Does what the master says until it is gone; does not return, the worker ends on the thread that drained last.
    func obey(_ reader: ControlReader) -> Never {
        while let frame = reader.next() {
            switch frame.kind {
            case .drain: drain(DrainOrder(decoding: frame.payload) ?? DrainOrder(closingListens: []))
            case .quit: quit()
            case .descriptors, .bootstrap:
                logger.error("unexpected message from the master", metadata: ["kind": "\(frame.kind)"])
            }
        }
        // The master is gone, and nobody writes what would be logged about that.
        drain(DrainOrder(closingListens: bootstrap.listens))
        while true { _ = try? Poll.wait([], timeout: .seconds(3600)) }
    }

    private func drain(_ order: DrainOrder) {
        let acceptor = parts.withLock { parts -> Acceptor? in
            guard case .serving = parts.phase else { return nil }
            parts.phase = .draining
            parts.busyLoops = parts.loops.count
            return parts.acceptor
        }
        guard let acceptor else { return }
        logger.info("worker drains")
        acceptor.stop(closing: Set(order.closingListens)) {
            for loop in self.parts.withLock({ $0.loops }) { loop.drain { self.loopDrained() } }
        }
    }

    private func quit() {
        drain(DrainOrder(closingListens: []))
        let (loops, acceptor) = parts.withLock { parts in
            parts.phase = .quitting
            return (parts.loops, parts.acceptor)
        }
        for loop in loops { loop.closeAll() }
        acceptor?.closeIdle()
        eventLoops.first?.scheduleTask(in: Self.quitGrace) { self.end() }
    }

    private func loopDrained() {
        let isLast = parts.withLock { parts in
            parts.busyLoops -= 1
            return parts.busyLoops == 0
        }
        if isLast { end() }
    }

    private func end() {
        accessLogs.whenWritten {
            self.logger.info("worker ends")
            CurrentProcess.exitNow(0)
        }
    }
}
