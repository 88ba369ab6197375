// SPDX-License-Identifier: MIT

import AppSettings
import FoundationEssentials
import NIOCore
import Testing
import WireProtocol

/// `docs/protocol.md` and the code say the same.
struct ProtocolDocumentTests {
    private static func document() throws -> [Substring] {
        let file = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try Data(contentsOf: URL(filePath: "/\(file)/docs/protocol.md"))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    struct Step {
        let fromFront: Bool
        let name: Substring
        var bytes = ByteBuffer()
    }

    /// The frames of all fenced blocks marked `exchange`.
    private static func exchange() throws -> [Step] {
        var steps: [Step] = []
        var inside = false
        for line in try Self.document() {
            if line.hasPrefix("```") {
                inside = line == "```exchange"
            } else if inside, line.hasPrefix(">") || line.hasPrefix("<") {
                let name = line.dropFirst(2).prefix { $0 != ":" }
                steps.append(Step(fromFront: line.hasPrefix(">"), name: name))
            } else if inside, !steps.isEmpty {
                for byte in line.split(separator: " ") {
                    steps[steps.count - 1].bytes.writeInteger(try #require(UInt8(byte, radix: 16)))
                }
            }
        }
        return steps
    }

    private static let settings = SettingsList([
        .init(name: "app_root", value: "/webapps/foo"), .init(name: "max_instances", value: "4"),
    ])
    private static let stream = StreamToken(high: 0xA0A1_A2A3_A4A5_A6A7, low: 0xA8A9_AAAB_ACAD_AEAF)
    private static let session = SessionID(rawValue: 0x5E55)
    private static let process = ProcessID(rawValue: 0xABCD)
    private static let app = AppNumber(rawValue: 1)
    private static let request = RequestID(rawValue: 1)

    /// What the exchange means, each message with its way of being written.
    private static let meaning: [(String, @Sendable (inout ByteBuffer) -> Void)] = [
        (
            "Hello",
            {
                Hello(
                    role: .control,
                    frontName: "0:/etc/front.conf",
                    workerToken: WorkerToken(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
                ).write(into: &$0)
            }
        ),
        ("HelloReply", { HelloReply(highestGeneration: 3).write(into: &$0) }),
        (
            "DefineApp",
            {
                FrontMessage.defineApp(DefineApp(app: app, groupName: "/webapps/foo", settings: settings)).write(
                    into: &$0
                )
            }
        ),
        (
            "Checkout",
            {
                let checkout = Checkout(request: request, app: app, method: "GET", path: "/", host: "foo.local")
                FrontMessage.checkout(checkout).write(into: &$0)
            }
        ),
        ("AppAccepted", { DaemonMessage.appAccepted(AppAccepted(app: app)).write(into: &$0) }),
        (
            "Granted",
            {
                DaemonMessage.granted(
                    Granted(
                        request: request,
                        session: session,
                        process: process,
                        streamToken: stream,
                        pid: 4242,
                        stickyID: 77,
                        queueTimeMicroseconds: 1500,
                        concurrency: 1,
                        transport: .session,
                        uses: .max
                    )
                ).write(into: &$0)
            }
        ),
        ("Reuse", { FrontMessage.reuse(Reuse(session: session, request: RequestID(rawValue: 2))).write(into: &$0) }),
        (
            "Release",
            {
                let carried = Carried(uses: 12, busyMicroseconds: 9000, idleMicroseconds: 2500)
                FrontMessage.release(Release(session: session, outcome: .ok, carried: carried)).write(into: &$0)
            }
        ),
        ("ProcessGone", { DaemonMessage.processGone(ProcessGone(process: process, signal: 9)).write(into: &$0) }),
        (
            "Refused",
            {
                let report = SpawnReport(errorID: "1a2b3c4d", summary: "the app exited", hasDetails: true)
                DaemonMessage.refused(
                    Refused(request: RequestID(rawValue: 3), reason: .spawnFailed, retryAfterSeconds: 1, report: report)
                ).write(into: &$0)
            }
        ),
        ("ReportQuery", { FrontMessage.reportQuery(ReportQuery(app: app, errorID: "1a2b3c4d")).write(into: &$0) }),
        (
            "Report",
            {
                DaemonMessage.report(Report(app: app, errorID: "1a2b3c4d", json: ByteBuffer(string: "{}"))).write(
                    into: &$0
                )
            }
        ),
        ("Hello", { Hello(role: .stream, streamToken: stream).write(into: &$0) }),
        (
            "Attached",
            {
                let attached = Attached(mode: .handedOver, number: StreamNumber(rawValue: 5))
                DaemonMessage.attached(attached).write(into: &$0)
            }
        ),
    ]

    @Test func `the annotated exchange is what the encoders write`() throws {
        let steps = try Self.exchange()
        #expect(steps.map { String($0.name) } == Self.meaning.map(\.0))
        for (step, meaning) in zip(steps, Self.meaning) {
            let expected = Samples.bytes(meaning.1)
            let readable = Array(expected.readableBytesView).map { String($0, radix: 16) }.joined(separator: " ")
            #expect(step.bytes == expected, "\(step.name) should be \(readable)")
        }
    }

    @Test func `the annotated exchange is decoded`() throws {
        for step in try Self.exchange() {
            var decoder = FrameDecoder(
                phase: step.fromFront
                    ? (step.name == "Hello" ? .beforeHello : .fromFront(mayManifest: false)) : .fromDaemon
            )
            decoder.append(step.bytes)
            let frame = try #require(try decoder.nextFrame())
            #expect(decoder.bufferedBytes == 0)
            if step.name == "Hello" {
                _ = try ReceivedHello(frame: frame)
            } else if step.fromFront {
                _ = try FrontMessage(frame: frame)
            } else {
                _ = try DaemonMessage(frame: frame)
            }
        }
    }

    @Test func `the table of messages holds every number and no other`() throws {
        var documented: [UInt8: String] = [:]
        for line in try Self.document() where line.hasPrefix("| 0x") {
            let cells = line.split(separator: "|").map { $0.filter { $0 != " " } }
            let number = try #require(UInt8(cells[0].dropFirst(2), radix: 16))
            documented[number] = cells[1].lowercased()
        }
        let known = Dictionary(uniqueKeysWithValues: MessageType.allCases.map { ($0.rawValue, "\($0)".lowercased()) })
        #expect(documented == known)
    }

    @Test func `the document names the current version`() throws {
        #expect(try Self.document().contains { $0.contains("Protocol version **\(ProtocolVersion.current)**") })
    }
}
