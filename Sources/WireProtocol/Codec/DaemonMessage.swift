// SPDX-License-Identifier: MIT

package import NIOCore

/// Everything the daemon says to a front: on a control connection, or as the first frame of a stream.
package enum DaemonMessage: Hashable, Sendable {
    case helloReply(HelloReply)
    case attached(Attached)
    case appAccepted(AppAccepted)
    case appRejected(AppRejected)
    case granted(Granted)
    case refused(Refused)
    case processGone(ProcessGone)
    case draining(Draining)
    case abort(Abort)
    case recall(Recall)
    case goodbye(Goodbye)
    case report(Report)
    case streamFate(StreamFate)
    case ping(UInt64)
    case pong(UInt64)
}

extension DaemonMessage {
    /// The next message of a decoder; nil if more bytes are needed.
    package static func next(from decoder: inout FrameDecoder) throws(WireError) -> DaemonMessage? {
        guard let frame = try decoder.nextFrame() else { return nil }
        return try DaemonMessage(frame: frame)
    }

    package init(frame: Frame) throws(WireError) {
        guard let type = MessageType(rawValue: frame.type) else { throw .unexpectedType(frame.type) }
        var reader = PayloadReader(frame)
        switch type {
        case .helloReply: self = .helloReply(try HelloReply(reading: &reader))
        case .attached: self = .attached(try Attached(reading: &reader))
        case .appAccepted: self = .appAccepted(AppAccepted(app: try reader.number()))
        case .appRejected: self = .appRejected(try AppRejected(reading: &reader))
        case .granted: self = .granted(try Granted(reading: &reader))
        case .refused: self = .refused(try Refused(reading: &reader))
        case .processGone: self = .processGone(try ProcessGone(reading: &reader))
        case .draining: self = .draining(try Draining(reading: &reader))
        case .abort: self = .abort(try Abort(reading: &reader))
        case .recall: self = .recall(Recall(session: try reader.number()))
        case .goodbye: self = .goodbye(Goodbye(reason: try reader.text(limit: WireLimits.reasonBytes, "reason")))
        case .report: self = .report(try Report(reading: &reader))
        case .streamFate: self = .streamFate(try StreamFate(reading: &reader))
        case .ping: self = .ping(try reader.integer())
        case .pong: self = .pong(try reader.integer())
        case .hello, .manifest, .defineApp, .checkout, .cancel, .release, .upgraded, .resume, .reportQuery,
            .abandoned, .fateQuery, .reuse, .lasting,
            .adminRequest, .adminResponse:
            throw .unexpectedType(frame.type)
        }
        try reader.finish()
    }

    package func write(into buffer: inout ByteBuffer) {
        switch self {
        case .helloReply(let reply): reply.write(into: &buffer)
        case .attached(let attached): buffer.writeFrame(.attached) { attached.write(into: &$0) }
        case .appAccepted(let accepted): buffer.writeFrame(.appAccepted) { $0.writeNumber(accepted.app) }
        case .appRejected(let rejected): buffer.writeFrame(.appRejected) { rejected.write(into: &$0) }
        case .granted(let granted): buffer.writeFrame(.granted) { granted.write(into: &$0) }
        case .refused(let refused): buffer.writeFrame(.refused) { refused.write(into: &$0) }
        case .processGone(let gone): buffer.writeFrame(.processGone) { gone.write(into: &$0) }
        case .draining(let draining): buffer.writeFrame(.draining) { draining.write(into: &$0) }
        case .abort(let abort): buffer.writeFrame(.abort) { abort.write(into: &$0) }
        case .recall(let recall): buffer.writeFrame(.recall) { $0.writeNumber(recall.session) }
        case .goodbye(let goodbye): buffer.writeFrame(.goodbye) { $0.writeText(goodbye.reason) }
        case .report(let report): buffer.writeFrame(.report) { report.write(into: &$0) }
        case .streamFate(let fate): buffer.writeFrame(.streamFate) { fate.write(into: &$0) }
        case .ping(let number): buffer.writeFrame(.ping) { $0.writeInteger(number) }
        case .pong(let number): buffer.writeFrame(.pong) { $0.writeInteger(number) }
        }
    }
}

extension Attached {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(mode: try reader.choice("mode"), number: reader.isAtEnd ? nil : try reader.number())
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(self.mode.rawValue)
        if let number { buffer.writeNumber(number) }
    }
}

extension StreamFate {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(stream: try reader.number(), verdict: try reader.choice("verdict"))
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.stream)
        buffer.writeInteger(self.verdict.rawValue)
    }
}

extension AppRejected {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(app: try reader.number(), reason: try reader.text(limit: WireLimits.reasonBytes, "reason"))
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.app)
        buffer.writeText(self.reason)
    }
}

extension Granted {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(
            request: try reader.number(),
            session: try reader.number(),
            process: try reader.number(),
            streamToken: try StreamToken(reading: &reader),
            pid: try reader.integer(),
            stickyID: try reader.integer(),
            queueTimeMicroseconds: try reader.integer(),
            concurrency: try reader.integer(),
            transport: try reader.choice("transport"),
            uses: reader.isAtEnd ? nil : try reader.integer()
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.request)
        buffer.writeNumber(self.session)
        buffer.writeNumber(self.process)
        self.streamToken.write(into: &buffer)
        buffer.writeInteger(self.pid)
        buffer.writeInteger(self.stickyID)
        buffer.writeInteger(self.queueTimeMicroseconds)
        buffer.writeInteger(self.concurrency)
        buffer.writeInteger(self.transport.rawValue)
        if let uses = self.uses { buffer.writeInteger(uses) }
    }
}

extension Refused {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        let request: RequestID = try reader.number()
        let reason: RefusalReason = try reader.choice("reason")
        let retryAfter: UInt32 = try reader.integer()
        let report = try SpawnReport(reading: &reader)
        self.init(request: request, reason: reason, retryAfterSeconds: retryAfter, report: report)
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.request)
        buffer.writeInteger(self.reason.rawValue)
        buffer.writeInteger(self.retryAfterSeconds)
        guard let report else {
            buffer.writeInteger(SpawnReport.Presence.none.rawValue)
            return
        }
        report.write(into: &buffer)
    }
}

extension SpawnReport {
    /// `withDetails` is written on connections only where `WireFeature.failureReports` is in force: others know 0 and 1.
    fileprivate enum Presence: UInt8 {
        case none = 0
        case withoutDetails = 1
        case withDetails = 2
    }

    fileprivate init?(reading reader: inout PayloadReader) throws(WireError) {
        let presence: Presence = try reader.choice("report presence")
        guard presence != .none else { return nil }
        self.init(
            errorID: try reader.text(limit: WireLimits.errorIDBytes, "error id"),
            summary: try reader.text(limit: WireLimits.summaryBytes, "summary"),
            hasDetails: presence == .withDetails
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        let presence = self.hasDetails ? Presence.withDetails : .withoutDetails
        buffer.writeInteger(presence.rawValue)
        buffer.writeText(self.errorID)
        buffer.writeText(self.summary)
    }
}

extension Report {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        let app: AppNumber = try reader.number()
        let errorID = try reader.text(limit: WireLimits.errorIDBytes, "error id")
        self.init(app: app, errorID: errorID, json: try reader.rest(limit: WireLimits.reportBytes, "report"))
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.app)
        buffer.writeText(self.errorID)
        buffer.writeImmutableBuffer(self.json)
    }
}

extension ProcessGone {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(
            process: try reader.number(),
            exitCode: try reader.optional("exit code presence") { reader throws(WireError) in try reader.integer() },
            signal: try reader.optional("signal presence") { reader throws(WireError) in try reader.integer() }
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.process)
        buffer.writeOptional(self.exitCode) { $0.writeInteger($1) }
        buffer.writeOptional(self.signal) { $0.writeInteger($1) }
    }
}

extension Draining {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(process: try reader.number(), deadlineMilliseconds: try reader.integer())
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.process)
        buffer.writeInteger(self.deadlineMilliseconds)
    }
}

extension Abort {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(session: try reader.number(), reason: try reader.choice("reason"))
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.session)
        buffer.writeInteger(self.reason.rawValue)
    }
}
