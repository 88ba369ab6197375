// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import Logging
import NIOCore
import WireProtocol

/// A front's control connection.
///
/// Confined to the core loop. It only carries between the peer, its session machine, and the broker; frames that come
/// up within one turn of the loop are written together.
final class FrontConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Its worker token is not known; nothing is read until its manifest arrives or the time is over.
        case waitingForManifest(Scheduled<Void>)
        case open
        case closed
    }

    enum Pacing {
        /// Of a peer with authority over settings, which may do what it likes in any case.
        case nothing
        /// Of the worker of a front with a manifest: what belongs to no checkout. Those have bounds of their own, and no rate.
        case looseFrames
        case everything
    }

    let id: ConnectionID
    let peer: PeerCredentials
    /// Its end tells that nobody reads any more from the sockets of apps that it was given.
    let process: FrontProcess
    let hello: Hello
    /// Features that both ends named.
    let features: UInt64
    /// Its place among the connections of its user, given back at the end; sessions may keep this object for longer.
    private var ticket: ConnectionTicket?
    let broker: Broker
    var logger: Logger
    var session: DaemonSession
    var groups: [AppNumber: GroupKey] = [:]
    /// Those that it pushed without authority.
    var ownerGroups: Set<GroupKey> = []
    var tokens: [ProcessID: (token: StreamToken, mostSessions: Int)] = [:]
    /// Processes that give no new sessions; their streams are closed when none is held.
    var draining: Set<ProcessID> = []
    private(set) var phase: Phase?
    /// Of manifests that it sent without authority; the latest.
    var powerlessTokens: [WorkerToken] = []
    /// Its worker token was found in a manifest.
    var countsAsWorker = false

    /// Frames taken in one turn of the loop, before others get theirs.
    private static let framesPerTurn = 512
    /// Stopping to read costs as much as some frames: they come in batches.
    private static let shortestRest = TimeAmount.milliseconds(10)
    /// Longer than this nothing is left unread on account of its pace: a peer that is not heard for long is given up.
    private static let longestRest = TimeAmount.seconds(5)

    /// Which of its frames are paced.
    private(set) var pacing = Pacing.everything
    /// Nothing is read until then: it took its turn, or its user has sent more than their share.
    private var rest: Scheduled<Void>?
    /// Bytes of an incomplete frame and checkouts that are counted against its user; 0 while they are few.
    private var unparsed = 0
    private var parked = 0
    private var decoder: FrameDecoder
    private var remainder: ByteBuffer
    private var liveness: Liveness
    private var livenessTimer: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var outbound = ByteBuffer()
    private var isFlushPlanned = false
    /// Between `channelRead` and `channelReadComplete`, which flushes.
    private var isReading = false

    init(_ arrival: Arrival, id: ConnectionID, broker: Broker) {
        self.id = id
        self.peer = arrival.peer
        self.process = FrontProcess(pid: arrival.peer.pid)
        self.hello = arrival.hello
        self.ticket = arrival.ticket
        self.remainder = arrival.remainder
        self.broker = broker
        self.logger = broker.logger
        self.logger[metadataKey: LogKeys.front] = "\(arrival.hello.frontName)"
        self.logger[metadataKey: LogKeys.uid] = "\(arrival.peer.uid)"
        self.logger[metadataKey: LogKeys.peer] = "\(arrival.peer.pid)"
        let mayManifest = broker.policy.standing(of: arrival.peer.uid) == .trusted
        self.features = arrival.hello.features & broker.features
        self.session = DaemonSession(mayManifest: mayManifest, features: self.features)
        self.decoder = FrameDecoder(phase: .fromFront(mayManifest: mayManifest))
        self.liveness = Liveness(at: broker.eventLoop.now)
    }

    private var loop: NIOIsolatedEventLoop { self.broker.eventLoop.assumeIsolated() }

    // MARK: Channel

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        self.broker.connectionOpened(self)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isReading = true
        self.liveness.heard(at: self.broker.eventLoop.now)
        self.take(self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // The high watermark is the limit of what a peer may leave unread.
        if !context.channel.isWritable { self.giveUp("the peer does not read") }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.logger.debug("connection of a front failed", metadata: [LogKeys.error: "\(error)"])
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.end() }

    // MARK: Life

    /// Nothing is read until `open` is called.
    func waitForManifest(_ time: TimeAmount) {
        self.setReading(false)
        let timer = self.loop.scheduleTask(in: time) { self.broker.manifestDidNotArrive(self) }
        self.phase = .waitingForManifest(timer)
    }

    /// The `Hello` is answered, and what came behind it is taken.
    func open(highestGeneration: UInt64) {
        switch self.phase {
        case .open, .closed: return
        case .waitingForManifest(let timer):
            timer.cancel()
            self.setReading(true)
        case nil: break
        }
        self.phase = .open
        self.pacing = self.session.mayManifest ? .nothing : self.countsAsWorker ? .looseFrames : .everything
        self.write(.helloReply(HelloReply(features: self.features, highestGeneration: highestGeneration)))
        self.liveness.heard(at: self.broker.eventLoop.now)
        self.planLivenessCheck()
        let remainder = self.remainder
        self.remainder = ByteBuffer()
        self.take(remainder)
    }

    /// The peer broke the protocol, or is silent or deaf: only this connection ends.
    func giveUp(_ reason: String, _ kind: Complaints.Kind = .mistake) {
        guard let context else { return }
        self.complain(.warning, "connection of a front is closed", [LogKeys.reason: "\(reason)"], kind)
        context.close(promise: nil)
    }

    /// Logs what the peer got wrong, as long as its user has not filled the log with it.
    func complain(
        _ level: Logger.Level,
        _ message: Logger.Message,
        _ facts: Logger.Metadata = [:],
        _ kind: Complaints.Kind = .mistake
    ) {
        let verdict = self.broker.complaints.line(about: self.peer.uid, kind)
        guard verdict != .keepQuiet else { return }
        var facts = facts
        facts[LogKeys.uid] = "\(self.peer.uid)"
        self.logger.log(level: level, message, metadata: facts)
        guard verdict == .logAsLast else { return }
        self.logger.warning("no more of this user's mistakes are logged for a minute", metadata: [:])
    }

    func close() {
        self.flush()
        self.context?.close(promise: nil)
    }

    private func end() {
        if case .closed = self.phase { return }
        if case .waitingForManifest(let timer) = self.phase { timer.cancel() }
        self.phase = .closed
        self.ticket = nil
        self.livenessTimer?.cancel()
        self.rest?.cancel()
        self.rest = nil
        self.context = nil
        self.decoder = FrameDecoder(phase: .fromFront(mayManifest: false))
        self.remainder = ByteBuffer()
        self.broker.connectionClosed(self, self.session.connectionClosed())
        self.countUnparsed()
        self.countParked()
    }

    // MARK: Reading

    private func setReading(_ isReading: Bool) {
        // Fails only on a channel that is closed, and then it does not matter.
        try? self.context?.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    private func take(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        self.decoder.append(bytes)
        self.takeFrames()
    }

    private func takeFrames() {
        // What was on its way when reading stopped is kept for later.
        guard case .open = self.phase, self.rest == nil else { return }
        self.broker.pool.arrivedTogether {
            do {
                var left = Self.framesPerTurn
                while case .open = self.phase, self.rest == nil, left > 0,
                    let message = try self.nextMessage()
                {
                    self.received(message.message, bytes: message.bytes)
                    left -= 1
                }
                if left == 0, self.rest == nil, self.decoder.bufferedBytes > 0 { self.pause(for: .zero) }
            } catch {
                self.giveUp("\(error)")
            }
        }
        if self.decoder.bufferedBytes > WireLimits.smallFrame || self.unparsed > 0 { self.countUnparsed() }
    }

    private func nextMessage() throws(WireError) -> (message: FrontMessage, bytes: Int)? {
        let before = self.decoder.bufferedBytes
        guard let message = try FrontMessage.next(from: &self.decoder) else { return nil }
        return (message, before - self.decoder.bufferedBytes)
    }

    /// Counts a frame, or several, against the user of the connection; who is above their share is not listened to for a while.
    func spend(_ frames: Int) {
        let wait = self.broker.frames.spend(frames, by: self.peer.uid, at: MonotonicClock.now)
        guard wait > .zero, self.rest == nil else { return }
        self.pause(for: min(max(.nanoseconds(wait.wholeNanoseconds), Self.shortestRest), Self.longestRest))
    }

    private func pause(for time: TimeAmount) {
        guard case .open = self.phase else { return }
        self.setReading(false)
        self.rest = self.loop.scheduleTask(in: time) {
            self.rest = nil
            self.takeFrames()
            if self.rest == nil { self.setReading(true) }
        }
    }

    // MARK: Shares

    private func countUnparsed() {
        guard self.pacing != .nothing else { return }
        let bytes = self.decoder.bufferedBytes > WireLimits.smallFrame ? self.decoder.bufferedBytes : 0
        let more = bytes - self.unparsed
        if more <= 0 {
            self.broker.unparsed.giveBack(-more, by: self.peer.uid)
        } else if !self.broker.unparsed.take(more, by: self.peer.uid).isGranted {
            return self.giveUp("its user has sent too many frames that are not complete")
        }
        self.unparsed = bytes
    }

    /// Whether one more checkout of a peer without authority may wait.
    func mayPark() -> Bool {
        guard self.pacing == .everything else { return true }
        guard self.broker.parked.take(by: self.peer.uid).isGranted else { return false }
        self.parked += 1
        return true
    }

    /// Checkouts were answered or taken back.
    func countParked() {
        let answered = self.parked - self.session.waitingCheckouts
        guard answered > 0 else { return }
        self.parked -= answered
        self.broker.parked.giveBack(answered, by: self.peer.uid)
    }

    // MARK: Writing

    func write(_ message: DaemonMessage) {
        guard self.context != nil else { return }
        message.write(into: &self.outbound)
        // One read may hold thousands of questions with long answers: the channel has to notice who does not read.
        if self.outbound.readableBytes > WireLimits.unreadBytes / 2 { return self.flush() }
        guard !self.isReading, !self.isFlushPlanned else { return }
        self.isFlushPlanned = true
        self.loop.execute {
            self.isFlushPlanned = false
            self.flush()
        }
    }

    func flush() {
        guard self.outbound.readableBytes > 0 else { return }
        let bytes = self.outbound
        self.outbound = ByteBuffer()
        self.context?.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
    }

    // MARK: Silence

    private func planLivenessCheck() {
        self.livenessTimer = self.loop.scheduleTask(deadline: self.liveness.nextDeadline) { self.checkLiveness() }
    }

    private func checkLiveness() {
        guard case .open = self.phase else { return }
        switch self.liveness.timePassed(to: self.broker.eventLoop.now) {
        case .nothing: break
        case .ping(let number): self.write(.ping(number))
        case .giveUp:
            self.giveUp("the peer was silent for \(WireLimits.silenceMilliseconds / 1000) s")
            return
        }
        self.planLivenessCheck()
    }
}
