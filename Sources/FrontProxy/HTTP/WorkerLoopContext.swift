// SPDX-License-Identifier: MIT

import AppSettings
import AppTransport
import FrontConfiguration
import HTTPFraming
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import ShownText
import WireProtocol

/// Everything the connections of one event loop share; created on that loop and used on it only.
final class WorkerLoopContext {
    let eventLoop: SocketLoop
    /// The control connection to the daemon, as the data path sees it.
    let link: any SessionBroker
    let streams: StreamPool
    let model: FrontModel
    let accessLog: AccessLog
    let pages: Pages
    let files: StaticFiles
    /// Runs reads and writes of temporary files.
    let threadPool: NIOThreadPool
    let logger: Logger
    let throttle: MessageThrottle
    let shares: ClientShares
    let forwardingNotes: ForwardingNotes
    let linkNotes: LinkNotes
    let customPages: CustomPages
    /// Where bodies spill to.
    let temporaryDirectory: String
    /// `Server` and `X-Powered-By` of every answer.
    let productLines: ByteBuffer
    /// `Server` of answers of our own.
    let serverLine: ByteBuffer
    /// Once set, every answer carries `Connection: close` and no connection waits for another request.
    private(set) var isDraining = false
    /// Sockets of clients that are on their way here, or wait with the acceptor for something to say.
    var awaitedConnections = 0 {
        didSet { reportIfDrained() }
    }
    /// Called once, on the loop, when the loop drains and its last connection has ended.
    var connectionsDrained: (() -> Void)?
    /// What the latest look for a file of this turn of the loop found nothing for.
    private var miss: RouteModel?
    private var missedPath = ByteBuffer()
    private var connections: [ObjectIdentifier: HTTP1Connection] = [:]
    /// Requests that were answered, for the storage in them.
    private var spareRequests: [ClientRequest] = []
    /// Reused for the heads that are written.
    private var outgoing = ByteBuffer()
    private var date = ByteBuffer()
    /// What `httpDate` gave last, in seconds since 1970.
    private(set) var dateSeconds = 0
    private var dateIsValidUntil = NIODeadline.uptimeNanoseconds(0)

    var spareRequestCount: Int { spareRequests.count }

    private static let maxSpareRequests = 64
    private static let keptOutgoingBytes = 64 * 1024

    /// `temporaryDirectory` counts if the model has no `data_buffer_dir`; nil: /tmp.
    init(
        eventLoop: SocketLoop,
        link: any SessionBroker,
        streams: StreamPool,
        model: FrontModel,
        accessLog: AccessLog,
        threadPool: NIOThreadPool,
        logger: Logger,
        throttle: MessageThrottle = MessageThrottle(),
        shares: ClientShares = ClientShares(),
        forwardingNotes: ForwardingNotes = ForwardingNotes(),
        linkNotes: LinkNotes = LinkNotes(),
        customPages: CustomPages? = nil,
        temporaryDirectory: String? = nil
    ) {
        self.eventLoop = eventLoop
        self.link = link
        self.streams = streams
        self.model = model
        self.files = StaticFiles(for: model)
        self.accessLog = accessLog
        self.threadPool = threadPool
        self.logger = logger
        self.throttle = throttle
        self.shares = shares
        self.forwardingNotes = forwardingNotes
        self.linkNotes = linkNotes
        self.customPages = customPages ?? CustomPages(logger: logger)
        self.temporaryDirectory = model.dataBufferDirectory ?? temporaryDirectory ?? "/tmp"
        let product = model.showVersionInHeader ? Product.nameAndVersion : Product.name
        self.pages = Pages(product: product)
        self.serverLine = ByteBuffer(string: "Server: \(product)\r\n")
        self.productLines = ByteBuffer(string: "Server: \(product)\r\nX-Powered-By: \(product)\r\n")
    }

    var connectionCount: Int { self.connections.count }
    var openConnections: [HTTP1Connection] { Array(self.connections.values) }

    /// For a head that is about to be read.
    func makeRequest(_ addresses: ConnectionAddresses) -> ClientRequest {
        guard let request = spareRequests.popLast() else { return ClientRequest(addresses: addresses) }
        request.addresses = addresses
        return request
    }

    /// Keeps the storage of a request that nobody else uses any more.
    func giveBack(_ request: ClientRequest) {
        guard spareRequests.count < Self.maxSpareRequests else { return }
        request.reset()
        spareRequests.append(request)
    }

    /// For what does not fit into memory of a client's request, or of the answer to it.
    func makeSpoolFile(for client: String) -> SpoolFile {
        SpoolFile(
            directory: temporaryDirectory,
            threadPool: threadPool,
            eventLoop: eventLoop,
            share: shares.share(of: client, in: .files, free: 0)
        )
    }

    /// An empty buffer with room from earlier heads; what is taken meanwhile has none.
    func takeOutgoing() -> ByteBuffer {
        var buffer = outgoing
        outgoing = ByteBuffer()
        buffer.clear()
        return buffer
    }

    func giveBackOutgoing(_ buffer: ByteBuffer) {
        if buffer.storageCapacity <= Self.keptOutgoingBytes { outgoing = buffer }
    }

    /// The current time as `Date` has it, rendered once a second.
    func httpDate(at now: NIODeadline) -> ByteBuffer {
        if now < self.dateIsValidUntil { return self.date }
        self.date = ByteBuffer()
        self.dateSeconds = Int(WallClock.microseconds / 1_000_000)
        HTTPDate.write(self.dateSeconds, into: &self.date)
        self.dateIsValidUntil = now + .seconds(1)
        return self.date
    }

    /// The file that a request names; requests of one turn for the same path that is none share one look.
    func findFile(_ path: ByteBuffer, in route: RouteModel) -> StaticFiles.Lookup {
        if route === self.miss, path == self.missedPath { return .none }
        var lookup = path.withUnsafeReadableBytes { self.files.find($0, in: route) }
        if case .closed(let directory) = lookup, let root = route.documentRoot {
            self.complain(of: root, closedAt: directory)
            lookup = .none
        }
        if case .refused(let link) = lookup, let root = route.documentRoot { self.complain(of: link, below: root) }
        guard case .none = lookup, route.documentRoot != nil else { return lookup }
        if self.miss == nil { self.eventLoop.assumeIsolated().execute { self.miss = nil } }
        self.miss = route
        self.missedPath.clear()
        self.missedPath.writeImmutableBuffer(path)
        return lookup
    }

    private static let linkRemedy =
        "Let root make the link, or the owner of what it leads to; the owner of the document root may link to what belongs "
        + "to the passenger_user of the application."

    /// Says once an hour for each link why what it leads to is not served.
    private func complain(of link: RefusedLink, below root: String) {
        let verdict = self.linkNotes.line(about: link.link, below: root, at: .now())
        guard verdict != .keepQuiet else { return }
        self.logger.warning(
            "a link below a document root, or on the way to it, is not followed: its owner does not own what it leads to",
            metadata: [
                LogKeys.path: "\(link.link)", "target": "\(link.target)", "owner": "uid \(link.owner)",
                "leads-to": "uid \(link.leadsTo)",
                LogKeys.remedy: "\(Self.linkRemedy)",
            ]
        )
        guard verdict == .logAsLast else { return }
        self.logger.warning(
            "no more links of this document root are named for an hour",
            metadata: [LogKeys.path: "\(root)"]
        )
    }

    /// Says once why no file of a document root is served: the app gets the requests for them instead.
    private func complain(of root: String, closedAt directory: String) {
        guard self.throttle.admit(.documentRoot(root), at: .now()) != nil else { return }
        self.logger.warning(
            "the document root cannot be entered, so no file in it is served",
            metadata: [
                LogKeys.path: "\(root)", "directory": "\(directory)",
                LogKeys.remedy: "\(ConfigurationCheck.opening(directory).inLine)",
            ]
        )
    }

    func register(_ connection: HTTP1Connection) {
        self.connections[ObjectIdentifier(connection)] = connection
    }

    func unregister(_ connection: HTTP1Connection) {
        self.connections[ObjectIdentifier(connection)] = nil
        self.reportIfDrained()
    }

    /// Lets every connection finish its request; idle ones close after a short grace.
    func beginDraining() {
        guard !self.isDraining else { return }
        self.isDraining = true
        for connection in self.openConnections { connection.beginDraining() }
        self.reportIfDrained()
    }

    /// Closes whatever is still open, in the middle of answers too.
    func closeAll() {
        for connection in self.openConnections { connection.closeNow() }
    }

    /// Closes what nobody uses at the moment, because descriptors are short; says how much that was.
    ///
    /// Clients that keep connections open for another request must be ready for their end (RFC 9112 §9.5).
    func makeRoom() -> Int {
        let unused = self.openConnections.filter(\.isUnused)
        for connection in unused { connection.closeNow() }
        return unused.count + self.streams.closeIdle()
    }

    /// A connection was accepted, and cannot be used.
    func couldNotOpen(_ error: SystemError) {
        let facts: Logger.Metadata = [LogKeys.error: "\(error)"]
        // The client has left before its connection had begun.
        guard !error.isNotConnected else { return logger.debug("connection not opened", metadata: facts) }
        if error.isOutOfResources { _ = makeRoom() }
        guard throttle.admit(.descriptors, at: .now()) != nil else { return }
        logger.warning("connection not opened", metadata: facts)
    }

    private func reportIfDrained() {
        guard self.isDraining, self.connections.isEmpty, self.awaitedConnections == 0 else { return }
        let report = self.connectionsDrained
        self.connectionsDrained = nil
        report?()
    }
}
