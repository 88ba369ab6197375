// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import WireProtocol

/// Messages with every optional field in both states and numbers that fill their width.
enum Samples {
    static let settings = SettingsList([
        .init(name: "app_root", value: "/webapps/foo"),
        .init(name: "env_var", value: "NAME=välue with spaces"),
        .init(name: "env_var", value: "EMPTY="),
        .init(name: "max_instances", value: "4"),
    ])
    static let workerToken = WorkerToken(high: 0x0102_0304_0506_0708, low: .max)
    static let streamToken = StreamToken(high: .max, low: 0x1122_3344_5566_7788)

    static let hellos: [Hello] = [
        Hello(role: .control, frontName: "0:/etc/front.conf", workerToken: workerToken),
        Hello(role: .control),
        Hello(role: .stream, streamToken: streamToken),
        Hello(role: .admin, features: .max),
    ]

    static let manifest = Manifest(
        front: "0:/etc/front.conf",
        generation: 7,
        workerUID: 33,
        workerToken: workerToken,
        apps: [
            ManifestApp(groupName: "/webapps/foo", settings: settings, preStart: true),
            ManifestApp(groupName: "bar", settings: SettingsList([]), preStart: false),
        ]
    )
    static let definition = DefineApp(app: AppNumber(rawValue: 3), groupName: "/webapps/foo", settings: settings)
    static let checkout = Checkout(
        request: RequestID(rawValue: 9),
        app: AppNumber(rawValue: 3),
        stickyID: 77,
        deadlineMilliseconds: 5000,
        method: "GET",
        path: "/index?q=ü",
        host: "www.example.com"
    )

    static let frontMessages: [FrontMessage] =
        [
            .manifest(manifest), .defineApp(definition), .checkout(checkout),
            .cancel(Cancel(request: RequestID(rawValue: 9))),
            .checkout(
                Checkout(request: RequestID(rawValue: 1), app: AppNumber(rawValue: 1), method: "", path: "", host: "")
            ),
            .upgraded(Upgraded(session: SessionID(rawValue: .max))),
            .abandoned(Abandoned(session: SessionID(rawValue: 100))),
            .abandoned(Abandoned(session: SessionID(rawValue: 100), stream: StreamNumber(rawValue: 5))),
            .release(
                Release(
                    session: SessionID(rawValue: 6),
                    outcome: .ok,
                    carried: Carried(uses: 3, busyMicroseconds: 4_000_000_000, idleMicroseconds: 2)
                )
            ),
            .reuse(Reuse(session: SessionID(rawValue: 6), request: RequestID(rawValue: 7))),
            .lasting(
                Lasting(
                    session: SessionID(rawValue: 6),
                    carried: Carried(uses: 2, busyMicroseconds: 3),
                    method: "GET",
                    path: "/slow",
                    host: "shop.example"
                )
            ),
            .fateQuery(FateQuery(process: ProcessID(rawValue: .max), stream: StreamNumber(rawValue: 4))),
            .resume(
                Resume(sessions: [SessionID(rawValue: 1)], requests: [RequestID(rawValue: 2), RequestID(rawValue: 3)])
            ),
            .resume(Resume(sessions: [], requests: [])),
            .reportQuery(ReportQuery(app: AppNumber(rawValue: 3), errorID: "1a2b3c4d")),
            .reportQuery(ReportQuery(app: AppNumber(rawValue: .max), errorID: "")),
            .ping(1), .pong(.max),
        ]
        + ReleaseOutcome.Kind.allCases.flatMap { kind in
            [false, true].map { requested in
                let outcome = ReleaseOutcome(kind, outOfBandWorkRequested: requested)
                return .release(Release(session: SessionID(rawValue: 5), outcome: outcome))
            }
        }

    static func granted(
        request: UInt64 = 9,
        session: UInt64 = 0xDEAD_BEEF,
        process: UInt64 = 0xABCD,
        transport: AppTransportKind = .session,
        uses: UInt32? = nil
    ) -> Granted {
        Granted(
            request: RequestID(rawValue: request),
            session: SessionID(rawValue: session),
            process: ProcessID(rawValue: process),
            streamToken: streamToken,
            pid: 4242,
            stickyID: 77,
            queueTimeMicroseconds: 1234,
            concurrency: 1,
            transport: transport,
            uses: uses
        )
    }

    static let daemonMessages: [DaemonMessage] =
        [
            .helloReply(HelloReply(features: 5, highestGeneration: 12)),
            .helloReply(HelloReply(refusal: "no")),
            .appAccepted(AppAccepted(app: AppNumber(rawValue: .max))),
            .appRejected(
                AppRejected(app: AppNumber(rawValue: 3), reason: "setting max_instances \"x\": is not a number")
            ),
            .processGone(ProcessGone(process: ProcessID(rawValue: 1))),
            .processGone(ProcessGone(process: ProcessID(rawValue: 1), exitCode: 3)),
            .processGone(ProcessGone(process: ProcessID(rawValue: 1), signal: 9)),
            .draining(Draining(process: ProcessID(rawValue: 1), deadlineMilliseconds: 600_000)),
            .recall(Recall(session: SessionID(rawValue: 5))),
            .goodbye(Goodbye(reason: "the daemon stops")),
            .report(
                Report(app: AppNumber(rawValue: 3), errorID: "1a2b3c4d", json: ByteBuffer(string: #"{"kind":"crash"}"#))
            ),
            .report(Report(app: AppNumber(rawValue: .max), errorID: "", json: ByteBuffer())),
            .ping(0), .pong(3),
        ]
        + Abort.Reason.allCases.map { .abort(Abort(session: SessionID(rawValue: 5), reason: $0)) }
        + AppTransportKind.allCases.map { .granted(granted(transport: $0)) }
        + [.granted(granted(uses: 1)), .granted(granted(uses: .max))]
        + Attached.Mode.allCases.map { .attached(Attached(mode: $0)) }
        + [.attached(Attached(mode: .relayed, number: StreamNumber(rawValue: .max)))]
        + StreamFate.Verdict.allCases.map { .streamFate(StreamFate(stream: StreamNumber(rawValue: 4), verdict: $0)) }
        + RefusalReason.allCases.flatMap { reason -> [DaemonMessage] in
            let report = SpawnReport(errorID: "1a2b3c4d", summary: "exited with 1\nno such gem")
            let detailed = SpawnReport(errorID: "1a2b3c4d", summary: "", hasDetails: true)
            let id = RequestID(rawValue: 9)
            return [
                .refused(Refused(request: id, reason: reason, retryAfterSeconds: 5)),
                .refused(Refused(request: id, reason: reason, report: report)),
                .refused(Refused(request: id, reason: reason, report: detailed)),
            ]
        }

    static let adminMessages: [AdminMessage] = [
        .helloReply(HelloReply()),
        .request(AdminRequest(id: 1, json: ByteBuffer(string: #"{"command":"status"}"#))),
        .request(AdminRequest(id: 2, json: ByteBuffer())),
        .response(AdminResponse(id: .max, json: ByteBuffer(string: "[]"))),
        .goodbye(Goodbye(reason: "")),
        .ping(4), .pong(4),
    ]

    static func bytes(_ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var buffer = ByteBuffer()
        write(&buffer)
        return buffer
    }
}

/// A small seeded generator, so that failures can be repeated.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
