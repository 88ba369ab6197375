// SPDX-License-Identifier: MIT

import AppSettings
package import NIOCore

/// Everything a front says on a control connection after its `Hello`.
package enum FrontMessage: Hashable, Sendable {
    case manifest(Manifest)
    case defineApp(DefineApp)
    case checkout(Checkout)
    case cancel(Cancel)
    case release(Release)
    case upgraded(Upgraded)
    case resume(Resume)
    case abandoned(Abandoned)
    case reuse(Reuse)
    case lasting(Lasting)
    case fateQuery(FateQuery)
    case reportQuery(ReportQuery)
    case ping(UInt64)
    case pong(UInt64)
}

extension Abandoned {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(session: try reader.number(), stream: reader.isAtEnd ? nil : try reader.number())
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.session)
        if let stream { buffer.writeNumber(stream) }
    }
}

extension FrontMessage {
    /// The next message of a decoder; nil if more bytes are needed.
    package static func next(from decoder: inout FrameDecoder) throws(WireError) -> FrontMessage? {
        guard let frame = try decoder.nextFrame() else { return nil }
        return try FrontMessage(frame: frame)
    }

    package init(frame: Frame) throws(WireError) {
        guard let type = MessageType(rawValue: frame.type) else { throw .unexpectedType(frame.type) }
        var reader = PayloadReader(frame)
        switch type {
        case .manifest: self = .manifest(try Manifest(reading: &reader))
        case .defineApp: self = .defineApp(try DefineApp(reading: &reader))
        case .checkout: self = .checkout(try Checkout(reading: &reader))
        case .cancel: self = .cancel(Cancel(request: try reader.number()))
        case .release: self = .release(try Release(reading: &reader))
        case .upgraded: self = .upgraded(Upgraded(session: try reader.number()))
        case .abandoned: self = .abandoned(try Abandoned(reading: &reader))
        case .fateQuery: self = .fateQuery(try FateQuery(reading: &reader))
        case .reuse: self = .reuse(try Reuse(reading: &reader))
        case .lasting: self = .lasting(try Lasting(reading: &reader))
        case .resume: self = .resume(try Resume(reading: &reader))
        case .reportQuery: self = .reportQuery(try ReportQuery(reading: &reader))
        case .ping: self = .ping(try reader.integer())
        case .pong: self = .pong(try reader.integer())
        case .hello, .helloReply, .attached, .appAccepted, .appRejected, .granted, .refused, .processGone, .draining,
            .abort, .recall, .goodbye, .report, .streamFate, .adminRequest, .adminResponse:
            throw .unexpectedType(frame.type)
        }
        try reader.finish()
    }

    package func write(into buffer: inout ByteBuffer) {
        switch self {
        case .manifest(let manifest): buffer.writeFrame(.manifest) { manifest.write(into: &$0) }
        case .defineApp(let definition): buffer.writeFrame(.defineApp) { definition.write(into: &$0) }
        case .checkout(let checkout): buffer.writeFrame(.checkout) { checkout.write(into: &$0) }
        case .cancel(let cancel): buffer.writeFrame(.cancel) { $0.writeNumber(cancel.request) }
        case .release(let release): buffer.writeFrame(.release) { release.write(into: &$0) }
        case .upgraded(let upgraded): buffer.writeFrame(.upgraded) { $0.writeNumber(upgraded.session) }
        case .abandoned(let abandoned): buffer.writeFrame(.abandoned) { abandoned.write(into: &$0) }
        case .fateQuery(let query): buffer.writeFrame(.fateQuery) { query.write(into: &$0) }
        case .reuse(let reuse): buffer.writeFrame(.reuse) { reuse.write(into: &$0) }
        case .lasting(let lasting): buffer.writeFrame(.lasting) { lasting.write(into: &$0) }
        case .resume(let resume): buffer.writeFrame(.resume) { resume.write(into: &$0) }
        case .reportQuery(let query): buffer.writeFrame(.reportQuery) { query.write(into: &$0) }
        case .ping(let number): buffer.writeFrame(.ping) { $0.writeInteger(number) }
        case .pong(let number): buffer.writeFrame(.pong) { $0.writeInteger(number) }
        }
    }
}

extension Manifest {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        let front = try reader.text(limit: WireLimits.frontNameBytes, "front name")
        let generation: UInt64 = try reader.integer()
        let workerUID: UInt32 = try reader.integer()
        let token = try WorkerToken(reading: &reader)
        let limit = WireLimits.appsPerManifest
        let apps = try reader.list(limit: limit, "apps", smallest: 9) { reader throws(WireError) in
            ManifestApp(
                groupName: try reader.text(limit: Int(WireLimits.frame), "group name"),
                settings: try SettingsList(reading: &reader),
                preStart: try reader.flag("pre-start flag")
            )
        }
        self.init(front: front, generation: generation, workerUID: workerUID, workerToken: token, apps: apps)
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeText(self.front)
        buffer.writeInteger(self.generation)
        buffer.writeInteger(self.workerUID)
        self.workerToken.write(into: &buffer)
        buffer.writeList(self.apps) { buffer, app in
            buffer.writeText(app.groupName)
            app.settings.write(into: &buffer)
            buffer.writeInteger(UInt8(app.preStart ? 1 : 0))
        }
    }
}

extension DefineApp {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(
            app: try reader.number(),
            groupName: try reader.text(limit: Int(WireLimits.frame), "group name"),
            settings: try SettingsList(reading: &reader)
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.app)
        buffer.writeText(self.groupName)
        self.settings.write(into: &buffer)
    }
}

extension Checkout {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(
            request: try reader.number(),
            app: try reader.number(),
            stickyID: try reader.integer(),
            deadlineMilliseconds: try reader.integer(),
            method: try reader.text(limit: WireLimits.methodBytes, "method"),
            path: try reader.text(limit: WireLimits.pathBytes, "path"),
            host: reader.isAtEnd ? nil : try reader.text(limit: WireLimits.hostBytes, "host")
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.request)
        buffer.writeNumber(self.app)
        buffer.writeInteger(self.stickyID)
        buffer.writeInteger(self.deadlineMilliseconds)
        buffer.writeText(self.method)
        buffer.writeText(self.path)
        if let host = self.host { buffer.writeText(host) }
    }
}

extension Release {
    private static let outOfBandWorkBit: UInt8 = 0x80

    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        let session: SessionID = try reader.number()
        let raw: UInt8 = try reader.integer()
        guard let kind = ReleaseOutcome.Kind(rawValue: raw & ~Self.outOfBandWorkBit) else {
            throw reader.invalid("outcome", UInt64(raw))
        }
        let requested = raw & Self.outOfBandWorkBit != 0
        self.init(
            session: session,
            outcome: ReleaseOutcome(kind, outOfBandWorkRequested: requested),
            carried: reader.isAtEnd ? nil : try Carried(reading: &reader)
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.session)
        let bit = self.outcome.outOfBandWorkRequested ? Self.outOfBandWorkBit : 0
        buffer.writeInteger(self.outcome.kind.rawValue | bit)
        self.carried?.write(into: &buffer)
    }
}

extension Carried {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(
            uses: try reader.integer(),
            busyMicroseconds: try reader.integer(),
            idleMicroseconds: try reader.integer()
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(self.uses)
        buffer.writeInteger(self.busyMicroseconds)
        buffer.writeInteger(self.idleMicroseconds)
    }
}

extension Reuse {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(session: try reader.number(), request: try reader.number())
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.session)
        buffer.writeNumber(self.request)
    }
}

extension Lasting {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(
            session: try reader.number(),
            carried: try Carried(reading: &reader),
            method: try reader.text(limit: WireLimits.methodBytes, "method"),
            path: try reader.text(limit: WireLimits.pathBytes, "path"),
            host: try reader.text(limit: WireLimits.hostBytes, "host")
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.session)
        self.carried.write(into: &buffer)
        buffer.writeText(self.method)
        buffer.writeText(self.path)
        buffer.writeText(self.host)
    }
}

extension ReportQuery {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(app: try reader.number(), errorID: try reader.text(limit: WireLimits.errorIDBytes, "error id"))
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.app)
        buffer.writeText(self.errorID)
    }
}

extension FateQuery {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(process: try reader.number(), stream: try reader.number())
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeNumber(self.process)
        buffer.writeNumber(self.stream)
    }
}

extension Resume {
    fileprivate init(reading reader: inout PayloadReader) throws(WireError) {
        self.init(
            sessions: try reader.numbers(limit: WireLimits.resumedEntries, "sessions"),
            requests: try reader.numbers(limit: WireLimits.resumedEntries, "checkouts")
        )
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        buffer.writeList(self.sessions) { $0.writeNumber($1) }
        buffer.writeList(self.requests) { $0.writeNumber($1) }
    }
}
