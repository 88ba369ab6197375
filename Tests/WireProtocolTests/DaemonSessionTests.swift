// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

struct DaemonSessionTests {
    private func checkout(_ id: UInt64, app: UInt32 = 1) -> Checkout {
        Checkout(request: .init(rawValue: id), app: .init(rawValue: app), method: "GET", path: "/")
    }

    private func withApp() -> DaemonSession {
        var session = DaemonSession(mayManifest: false, features: WireFeature.supported)
        _ = session.received(.defineApp(SessionPair.definition(1)))
        _ = session.appJudged(.init(rawValue: 1), rejection: nil)
        return session
    }

    private func refusal(_ id: UInt64, _ reason: RefusalReason, _ text: String? = nil) -> DaemonSession.Action {
        let report = text.map { SpawnReport(errorID: "", summary: $0) }
        return .send(.refused(Refused(request: .init(rawValue: id), reason: reason, report: report)))
    }

    @Test func `manifests are taken from peers with authority only`() {
        var trusted = DaemonSession(mayManifest: true, features: WireFeature.supported)
        var other = DaemonSession(mayManifest: false, features: WireFeature.supported)
        #expect(trusted.received(.manifest(Samples.manifest)) == .manifest(Samples.manifest))
        #expect(other.received(.manifest(Samples.manifest)) == .manifestWithoutAuthority(Samples.workerToken))
    }

    @Test func `a checkout of an app that was not defined is refused`() {
        var session = self.withApp()
        #expect(session.received(.checkout(self.checkout(1, app: 9))) == self.refusal(1, .unknownApp))
    }

    @Test func `checkouts of a rejected app are refused with its reason until it is defined anew`() {
        var session = self.withApp()
        _ = session.received(.defineApp(SessionPair.definition(1)))
        _ = session.appJudged(.init(rawValue: 1), rejection: "max_instances: is not a number")
        #expect(
            session.received(.checkout(self.checkout(1)))
                == self.refusal(1, .settingsRejected, "max_instances: is not a number")
        )
        _ = session.received(.defineApp(SessionPair.definition(1)))
        #expect(session.appJudged(.init(rawValue: 1), rejection: nil) == .appAccepted(.init(app: .init(rawValue: 1))))
        #expect(session.received(.checkout(self.checkout(2))) == .checkout(self.checkout(2)))
    }

    private func reports(features: UInt64) -> DaemonSession {
        var session = DaemonSession(mayManifest: false, features: features)
        _ = session.received(.defineApp(SessionPair.definition(1)))
        _ = session.appJudged(.init(rawValue: 1), rejection: nil)
        return session
    }

    private static func query(_ app: UInt32) -> ReportQuery {
        ReportQuery(app: .init(rawValue: app), errorID: "1a2b3c4d")
    }

    @Test func `details are told of apps that are accepted, others get an empty report`() {
        var session = self.reports(features: WireFeature.failureReports)
        #expect(session.received(.reportQuery(Self.query(1))) == .reportQuery(Self.query(1)))
        let unknown = Report(app: .init(rawValue: 9), errorID: "1a2b3c4d", json: ByteBuffer())
        #expect(session.received(.reportQuery(Self.query(9))) == .send(.report(unknown)))
        let judging = Report(app: .init(rawValue: 2), errorID: "1a2b3c4d", json: ByteBuffer())
        _ = session.received(.defineApp(SessionPair.definition(2)))
        #expect(session.received(.reportQuery(Self.query(2))) == .send(.report(judging)))
        _ = session.appJudged(.init(rawValue: 2), rejection: "no")
        #expect(session.received(.reportQuery(Self.query(2))) == .send(.report(judging)))
    }

    @Test func `a front that does not know of details is not told that there are some`() {
        let refused = Refused(
            request: .init(rawValue: 1),
            reason: .backoff,
            report: SpawnReport(errorID: "1a2b3c4d", summary: "no", hasDetails: true)
        )
        var knowing = self.reports(features: WireFeature.failureReports)
        _ = knowing.received(.checkout(self.checkout(1)))
        #expect(knowing.refused(refused) == .send(.refused(refused)))
        var other = self.reports(features: 0)
        _ = other.received(.checkout(self.checkout(1)))
        var plain = refused
        plain.report?.hasDetails = false
        #expect(other.refused(refused) == .send(.refused(plain)))
        #expect(
            other.received(.reportQuery(Self.query(1))) == .violation(reason: "ReportQuery was not negotiated")
        )
    }

    @Test func `a request id in use is a violation`() {
        var session = self.withApp()
        _ = session.received(.checkout(self.checkout(1)))
        #expect(session.received(.checkout(self.checkout(1))) == .violation(reason: "request id used twice"))
    }

    @Test func `a flood of checkouts is refused, the connection goes on`() {
        var session = self.withApp()
        for id in 0..<UInt64(WireLimits.waitingCheckoutsPerConnection) {
            _ = session.received(.checkout(self.checkout(id)))
        }
        #expect(session.received(.checkout(self.checkout(.max))) == self.refusal(.max, .tooManyCheckouts))
        #expect(session.received(.cancel(Cancel(request: .init(rawValue: 0)))) == .cancel(.init(rawValue: 0)))
        #expect(session.received(.checkout(self.checkout(.max))) == .checkout(self.checkout(.max)))
    }

    @Test func `too many apps are a violation`() {
        var session = DaemonSession(mayManifest: false, features: WireFeature.supported)
        for number in 0..<UInt32(WireLimits.appsPerConnection) {
            #expect(
                session.received(.defineApp(SessionPair.definition(number))) == .define(SessionPair.definition(number))
            )
        }
        guard case .violation = session.received(.defineApp(SessionPair.definition(.max))) else {
            Issue.record("taken")
            return
        }
        #expect(session.received(.defineApp(SessionPair.definition(0))) != .violation(reason: ""))
    }

    @Test func `process events go to peers that had to do with the process`() {
        var session = self.withApp()
        let gone = ProcessGone(process: .init(rawValue: 0xABCD), exitCode: 0)
        let draining = Draining(process: .init(rawValue: 0xABCD), deadlineMilliseconds: 0)
        #expect(session.processGone(gone) == .ignored(reason: "process was never granted here"))
        _ = session.received(.checkout(self.checkout(9)))
        _ = session.granted(Samples.granted())
        #expect(session.sessions(of: .init(rawValue: 0xABCD)) == 1)
        _ = session.received(.release(Release(session: .init(rawValue: 0xDEAD_BEEF), outcome: .ok)))
        #expect(session.processDraining(draining) == .send(.draining(draining)))
        #expect(session.processGone(gone) == .send(.processGone(gone)))
        #expect(session.processGone(gone) == .ignored(reason: "process was never granted here"))
    }

    @Test func `after Goodbye checkouts are refused and sessions go on`() {
        var session = self.withApp()
        _ = session.received(.checkout(self.checkout(9)))
        _ = session.granted(Samples.granted())
        #expect(session.goodbye(reason: "stops") == .send(.goodbye(Goodbye(reason: "stops"))))
        #expect(session.received(.checkout(self.checkout(10))) == self.refusal(10, .shuttingDown))
        let release = Release(session: .init(rawValue: 0xDEAD_BEEF), outcome: .ok)
        #expect(session.received(.release(release)) == .release(release))
        #expect(session.goodbye(reason: "stops") == .ignored(reason: "already leaving"))
    }

    @Test func `a closed connection leaves its checkouts and its sessions by process`() {
        var session = self.withApp()
        _ = session.received(.checkout(self.checkout(1)))
        _ = session.received(.checkout(self.checkout(9)))
        _ = session.granted(Samples.granted())
        let leftovers = session.connectionClosed()
        #expect(leftovers.requests == [.init(rawValue: 1)])
        #expect(leftovers.sessions == [.init(rawValue: 0xABCD): [.init(rawValue: 0xDEAD_BEEF)]])
        #expect(session.received(.ping(1)) == .ignored(reason: "message after the end"))
        #expect(session.granted(Samples.granted(request: 1)) == .release(.init(rawValue: 0xDEAD_BEEF)))
    }

    @Test func `a ping is answered, Resume was not negotiated`() {
        var session = self.withApp()
        #expect(session.received(.ping(7)) == .send(.pong(7)))
        #expect(session.received(.pong(7)) == .nothing)
        #expect(
            session.received(.resume(Resume(sessions: [], requests: [])))
                == .violation(reason: "Resume was not negotiated")
        )
    }
}
