// SPDX-License-Identifier: MIT

import NIOCore
import WireProtocol

/// What comes over the daemon's sockets, in both directions.
enum WireTargets {
    static func framesToDaemon(_ bytes: UnsafeRawBufferPointer) throws {
        try Self.hello(bytes)
        for mayManifest in [false, true] {
            try Self.frames(bytes, .fromFront(mayManifest: mayManifest)) { frame throws(WireError) in
                let message = try FrontMessage(frame: frame)
                return (message, { message.write(into: &$0) })
            }
        }
    }

    static func framesToFront(_ bytes: UnsafeRawBufferPointer) throws {
        try Self.frames(bytes, .fromDaemon) { frame throws(WireError) in
            let message = try DaemonMessage(frame: frame)
            return (message, { message.write(into: &$0) })
        }
        var stream = StreamHandshake(token: StreamToken(high: 1, low: 2), features: 0)
        // A stream that is refused or nonsense is closed.
        _ = try? stream.received(ByteBuffer(bytes: bytes))
    }

    static func adminFrames(_ bytes: UnsafeRawBufferPointer) throws {
        for phase in [FramePhase.fromAdmin, .toAdmin] {
            try Self.frames(bytes, phase) { frame throws(WireError) in
                let message = try AdminMessage(frame: frame)
                return (message, { message.write(into: &$0) })
            }
        }
    }

    /// Frames are the same whole and in two parts, and a message that is written and read again is the same.
    private static func frames<Message: Hashable>(
        _ bytes: UnsafeRawBufferPointer,
        _ phase: FramePhase,
        _ read: (Frame) throws(WireError) -> (Message, write: (inout ByteBuffer) -> Void)
    ) throws {
        let whole = Self.messages([bytes], phase, read)
        let inParts = Self.messages([bytes.parts.0, bytes.parts.1], phase, read)
        try require(whole.map(\.0) == inParts.map(\.0), "the messages depend on how the bytes were cut")
        for (message, write) in whole {
            var buffer = ByteBuffer()
            write(&buffer)
            let again = buffer.withUnsafeReadableBytes { Self.messages([$0], phase, read) }
            try require(again.map(\.0) == [message], "\(message) is read as \(again.map(\.0))")
        }
    }

    private static func messages<Message: Hashable>(
        _ parts: [UnsafeRawBufferPointer],
        _ phase: FramePhase,
        _ read: (Frame) throws(WireError) -> (Message, write: (inout ByteBuffer) -> Void)
    ) -> [(Message, write: (inout ByteBuffer) -> Void)] {
        var decoder = FrameDecoder(phase: phase)
        var messages: [(Message, write: (inout ByteBuffer) -> Void)] = []
        for part in parts {
            decoder.append(ByteBuffer(bytes: part))
            do throws(WireError) {
                while let frame = try decoder.nextFrame() { messages.append(try read(frame)) }
            } catch {
                // The connection is closed.
                break
            }
        }
        return messages
    }

    private static func hello(_ bytes: UnsafeRawBufferPointer) throws {
        var decoder = FrameDecoder(phase: .beforeHello)
        decoder.append(ByteBuffer(bytes: bytes))
        // What is no Hello closes the connection.
        guard let frame = try? decoder.nextFrame(), case .hello(let hello) = try? ReceivedHello(frame: frame)
        else { return }
        var buffer = ByteBuffer()
        hello.write(into: &buffer)
        decoder = FrameDecoder(phase: .beforeHello)
        decoder.append(buffer)
        let again = try decoder.nextFrame().map { try ReceivedHello(frame: $0) }
        try require(again == .hello(hello), "a Hello is read as another")
    }

    static func adminJSON(_ bytes: UnsafeRawBufferPointer) throws {
        // What is not of the form is answered with an error.
        if let command = try? AdminCommand(json: bytes) {
            try require(try AdminCommand(json: command.json()) == command, "a command is read as another")
        }
        if let answer = try? AdminAnswer(json: bytes) {
            try require(try AdminAnswer(json: answer.json()) == answer, "an answer is read as another")
        }
        if let report = FailureReport(json: bytes) {
            _ = report.text()
            if let json = report.json() {
                try require(json.count <= WireLimits.reportBytes, "a report is too long")
            }
        }
        _ = InstanceRecord(json: bytes)
    }

    // MARK: Machines

    /// Messages in any order never trap a session, on either side, and an end leaves nothing held.
    static func sessionMachines(_ bytes: UnsafeRawBufferPointer) throws {
        var front = FrontSession(hello: Hello(role: .control), at: .uptimeNanoseconds(0))
        var daemon = DaemonSession(mayManifest: false, features: WireFeature.supported)
        var now = NIODeadline.uptimeNanoseconds(0)
        _ = front.connectionOpened(at: now)
        _ = front.received(.helloReply(HelloReply()), at: now)
        for message in Self.read(bytes, .fromFront(mayManifest: true), FrontMessage.next) {
            Self.act(daemon.received(message), &daemon)
        }
        for message in Self.read(bytes, .fromDaemon, DaemonMessage.next) {
            _ = front.received(message, at: now)
            if let next = front.nextDeadline { now = max(now, next) }
            _ = front.timePassed(to: now)
        }
        _ = daemon.connectionClosed()
        _ = front.connectionClosed(at: now)
        try require(daemon.heldSessions == 0 && daemon.waitingCheckouts == 0, "the daemon holds what nobody has")
        try require(front.heldSessions == 0, "the front holds what nobody has")
    }

    private static func act(_ action: DaemonSession.Action, _ daemon: inout DaemonSession) {
        switch action {
        case .define(let definition):
            let isValid = definition.app.rawValue % 2 == 0
            _ = daemon.appJudged(definition.app, rejection: isValid ? nil : "no")
        case .checkout(let checkout):
            let number = checkout.request.rawValue
            let granted = Granted(
                request: checkout.request,
                session: SessionID(rawValue: number % 7),
                process: ProcessID(rawValue: number % 3),
                streamToken: StreamToken(high: 1, low: 2),
                pid: 1,
                stickyID: 0,
                queueTimeMicroseconds: 0,
                concurrency: 1,
                transport: .session
            )
            _ = daemon.granted(granted)
            if number % 5 == 0 { _ = daemon.processGone(ProcessGone(process: granted.process)) }
        case .fateQuery(let query): _ = daemon.streamLookedUp(query.stream, wasUnread: query.stream.rawValue % 2 == 0)
        default: return
        }
    }

    private static func read<Message>(
        _ bytes: UnsafeRawBufferPointer,
        _ phase: FramePhase,
        _ next: (inout FrameDecoder) throws(WireError) -> Message?
    ) -> [Message] {
        var decoder = FrameDecoder(phase: phase)
        decoder.append(ByteBuffer(bytes: bytes))
        var messages: [Message] = []
        // The first nonsense closes the connection.
        while let message = try? next(&decoder) { messages.append(message) }
        return messages
    }
}
