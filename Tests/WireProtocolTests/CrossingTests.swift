// SPDX-License-Identifier: MIT

import NIOCore
import Testing
import WireProtocol

/// Pairs of events that meet on their way: one winner each time, and both ends know it.
struct CrossingTests {
    /// Session 100 of process 1 is held (checkout 1), checkout 2 waits, app 1 is defined, 2 is not.
    private static func pair() -> SessionPair {
        var pair = SessionPair()
        pair.connect()
        pair.deliverAll()
        pair.apply(.checkout(1, app: 1))
        pair.apply(.checkout(2, app: 1))
        pair.deliverAll()
        pair.apply(.grant(1, session: 100, process: 1))
        pair.deliverAll()
        pair.clearNotes()
        return pair
    }

    static let frontEvents: [(String, SessionPair.FrontEvent)] = [
        ("cancel", .cancel(2)), ("release", .release(100)), ("upgraded", .upgraded(100)),
        ("abandoned", .abandoned(100)),
        ("checkout", .checkout(3, app: 1)), ("checkout of a new app", .checkout(3, app: 2)),
        ("valid settings", .redefine(app: 1, valid: true)), ("invalid settings", .redefine(app: 1, valid: false)),
        ("report query", .askReport("1a2b3c4d", app: 1)), ("fate query", .askFate(100)),
    ]
    static let daemonEvents: [(String, SessionPair.DaemonEvent)] = [
        ("grant", .grant(2, session: 200, process: 1)), ("refuse", .refuse(2, .queueTimeout)),
        ("process gone", .processGone(1)), ("abort", .abort(100)), ("drain", .drain(1)), ("goodbye", .goodbye),
    ]

    struct Row: Sendable {
        let crossing: String
        /// What the front made of what the daemon sent.
        let front: String
        /// What the daemon made of what the front sent.
        let daemon: String
    }

    @Test func `every pair of crossing events has one winner`() throws {
        var rows: [String: Row] = [:]
        for row in Self.table { rows[row.crossing] = row }
        #expect(rows.count == Self.frontEvents.count * Self.daemonEvents.count)
        for (frontName, frontEvent) in Self.frontEvents {
            for (daemonName, daemonEvent) in Self.daemonEvents {
                let crossing = "\(frontName) × \(daemonName)"
                var pair = Self.pair()
                pair.apply(frontEvent)
                pair.apply(daemonEvent)
                pair.deliverAll()
                #expect(pair.disagreements == [], "\(crossing)")
                #expect(pair.frontNotes.joined(separator: ", ") == rows[crossing]?.front, "\(crossing), front")
                #expect(pair.daemonNotes.joined(separator: ", ") == rows[crossing]?.daemon, "\(crossing), daemon")
            }
        }
    }

    @Test(arguments: frontEvents.indices, daemonEvents.indices)
    func `a connection that ends while events cross leaves nothing behind`(front: Int, daemon: Int) {
        for delivered in 0..<3 {
            var pair = Self.pair()
            pair.apply(Self.frontEvents[front].1)
            pair.apply(Self.daemonEvents[daemon].1)
            for _ in 0..<delivered { _ = pair.deliverToFront() || pair.deliverToDaemon() }
            pair.disconnect()
            #expect(pair.disagreements == [])
            #expect(pair.ownersHolding.isEmpty)
            pair.connect()
            pair.deliverAll()
            #expect(pair.disagreements == [])
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func `a random walk keeps both ends in agreement`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var pair = SessionPair()
        pair.connect()
        var next: UInt64 = 1
        for step in 0..<3000 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<25:
                next += 1
                pair.apply(.checkout(next, app: UInt32.random(in: 1...4, using: &random)))
            case 29..<33: pair.apply(.time(Int64.random(in: 0...8, using: &random)))
            case 25..<29:
                if let id = pair.ownersWaiting.sorted().randomElement(using: &random) { pair.apply(.cancel(id)) }
            case 33..<48:
                if let id = pair.ownersHolding.sorted().randomElement(using: &random) { pair.apply(.release(id)) }
            case 92..<94:
                if let id = pair.ownersHolding.sorted().randomElement(using: &random) { pair.apply(.abandoned(id)) }
            case 48..<51:
                if let id = pair.ownersHolding.sorted().randomElement(using: &random) { pair.apply(.upgraded(id)) }
            case 51..<55:
                let app = UInt32.random(in: 1...4, using: &random)
                pair.apply(.redefine(app: app, valid: Bool.random(using: &random)))
            case 88..<92:
                let app = UInt32.random(in: 1...4, using: &random)
                pair.apply(.askReport(String(Int.random(in: 0..<9, using: &random)), app: app))
            case 94..<96:
                if let id = pair.ownersHolding.sorted().randomElement(using: &random) { pair.apply(.askFate(id)) }
            case 96..<98:
                if let id = pair.lookUps.sorted().randomElement(using: &random) {
                    pair.apply(.lookUp(id, wasUnread: Bool.random(using: &random)))
                }
            case 98..<100:
                if let id = pair.fateTimers.sorted().randomElement(using: &random) { pair.apply(.fateTime(id)) }
            case 55..<75:
                if let id = pair.poolWaiting.sorted().randomElement(using: &random) {
                    next += 1
                    let process = UInt64.random(in: 1...5, using: &random)
                    let isLease = Int.random(in: 0..<3, using: &random) > 0
                    pair.apply(
                        isLease
                            ? .lease(id, session: next, process: process)
                            : .grant(id, session: next, process: process)
                    )
                }
            case 75..<79:
                if let id = pair.poolWaiting.sorted().randomElement(using: &random) {
                    pair.apply(.refuse(id, .queueFull))
                }
            case 79..<82: pair.apply(.processGone(UInt64.random(in: 1...5, using: &random)))
            case 82..<85:
                if let id = pair.poolSessions.keys.sorted().randomElement(using: &random) {
                    pair.apply(Int.random(in: 0..<3, using: &random) > 0 ? .recall(id) : .abort(id))
                }
            case 85..<86: pair.apply(.drain(UInt64.random(in: 1...5, using: &random)))
            case 86..<87:
                pair.disconnect()
                pair.connect()
            case 87..<88:
                pair.apply(.goodbye)
                pair.deliverAll()
                pair.disconnect()
                pair.connect()
            default: break
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                _ = Bool.random(using: &random) ? pair.deliverToFront() : pair.deliverToDaemon()
            }
            if step % 50 == 49 {
                pair.deliverAll()
                #expect(pair.disagreements == [], "seed \(seed), step \(step)")
                if !pair.disagreements.isEmpty { return }
            }
        }
    }
}

extension CrossingTests {
    static let table: [Row] = [
        Row(crossing: "cancel × grant", front: "releaseLate 200", daemon: "ignored, release 200 unused"),
        Row(crossing: "cancel × refuse", front: "ignored", daemon: "ignored"),
        Row(crossing: "cancel × process gone", front: "gone with 1", daemon: "cancel 2"),
        Row(crossing: "cancel × abort", front: "aborted 100", daemon: "cancel 2"),
        Row(crossing: "cancel × drain", front: "draining", daemon: "cancel 2"),
        Row(crossing: "cancel × goodbye", front: "goodbye, ignored", daemon: "ignored"),
        Row(crossing: "release × grant", front: "granted 2", daemon: "release 100 ok"),
        Row(crossing: "release × refuse", front: "refused 2 queueTimeout", daemon: "release 100 ok"),
        Row(crossing: "release × process gone", front: "gone with 0", daemon: "ignored"),
        Row(crossing: "release × abort", front: "ignored", daemon: "ignored"),
        Row(crossing: "release × drain", front: "draining", daemon: "release 100 ok"),
        Row(crossing: "release × goodbye", front: "goodbye, requeued 2", daemon: "release 100 ok"),
        Row(crossing: "upgraded × grant", front: "granted 2", daemon: "upgraded 100"),
        Row(crossing: "upgraded × refuse", front: "refused 2 queueTimeout", daemon: "upgraded 100"),
        Row(crossing: "upgraded × process gone", front: "gone with 1", daemon: "ignored"),
        Row(crossing: "upgraded × abort", front: "aborted 100", daemon: "ignored"),
        Row(crossing: "upgraded × drain", front: "draining", daemon: "upgraded 100"),
        Row(crossing: "upgraded × goodbye", front: "goodbye, requeued 2", daemon: "upgraded 100"),
        Row(crossing: "abandoned × grant", front: "granted 2", daemon: "abandoned 100"),
        Row(crossing: "abandoned × refuse", front: "refused 2 queueTimeout", daemon: "abandoned 100"),
        Row(crossing: "abandoned × process gone", front: "gone with 0", daemon: "ignored"),
        Row(crossing: "abandoned × abort", front: "ignored", daemon: "ignored"),
        Row(crossing: "abandoned × drain", front: "draining", daemon: "abandoned 100"),
        Row(crossing: "abandoned × goodbye", front: "goodbye, requeued 2", daemon: "abandoned 100"),
        Row(crossing: "checkout × grant", front: "granted 2", daemon: "checkout 3"),
        Row(crossing: "checkout × refuse", front: "refused 2 queueTimeout", daemon: "checkout 3"),
        Row(crossing: "checkout × process gone", front: "gone with 1", daemon: "checkout 3"),
        Row(crossing: "checkout × abort", front: "aborted 100", daemon: "checkout 3"),
        Row(crossing: "checkout × drain", front: "draining", daemon: "checkout 3"),
        Row(crossing: "checkout × goodbye", front: "goodbye, requeued 2, requeued 3", daemon: "refuse 3 shuttingDown"),
        Row(crossing: "checkout of a new app × grant", front: "granted 2, accepted", daemon: "define, checkout 3"),
        Row(
            crossing: "checkout of a new app × refuse",
            front: "refused 2 queueTimeout, accepted",
            daemon: "define, checkout 3"
        ),
        Row(
            crossing: "checkout of a new app × process gone",
            front: "gone with 1, accepted",
            daemon: "define, checkout 3"
        ),
        Row(crossing: "checkout of a new app × abort", front: "aborted 100, accepted", daemon: "define, checkout 3"),
        Row(crossing: "checkout of a new app × drain", front: "draining, accepted", daemon: "define, checkout 3"),
        Row(
            crossing: "checkout of a new app × goodbye",
            front: "goodbye, requeued 2, accepted, requeued 3",
            daemon: "define, refuse 3 shuttingDown"
        ),
        Row(crossing: "valid settings × grant", front: "granted 2, accepted", daemon: "define"),
        Row(crossing: "valid settings × refuse", front: "refused 2 queueTimeout, accepted", daemon: "define"),
        Row(crossing: "valid settings × process gone", front: "gone with 1, accepted", daemon: "define"),
        Row(crossing: "valid settings × abort", front: "aborted 100, accepted", daemon: "define"),
        Row(crossing: "valid settings × drain", front: "draining, accepted", daemon: "define"),
        Row(crossing: "valid settings × goodbye", front: "goodbye, requeued 2, accepted", daemon: "define"),
        Row(crossing: "invalid settings × grant", front: "granted 2, rejected", daemon: "define"),
        Row(crossing: "invalid settings × refuse", front: "refused 2 queueTimeout, rejected", daemon: "define"),
        Row(crossing: "invalid settings × process gone", front: "gone with 1, rejected", daemon: "define"),
        Row(crossing: "invalid settings × abort", front: "aborted 100, rejected", daemon: "define"),
        Row(crossing: "invalid settings × drain", front: "draining, rejected", daemon: "define"),
        Row(crossing: "invalid settings × goodbye", front: "goodbye, requeued 2, rejected", daemon: "define"),
        Row(crossing: "fate query × grant", front: "granted 2", daemon: "fate query 100"),
        Row(crossing: "fate query × refuse", front: "refused 2 queueTimeout", daemon: "fate query 100"),
        Row(crossing: "fate query × process gone", front: "gone with 1", daemon: "fate query 100"),
        Row(crossing: "fate query × abort", front: "aborted 100", daemon: "fate query 100"),
        Row(crossing: "fate query × drain", front: "draining", daemon: "fate query 100"),
        Row(crossing: "fate query × goodbye", front: "goodbye, requeued 2", daemon: "fate query 100"),
        Row(crossing: "report query × grant", front: "granted 2, report", daemon: "report query 1a2b3c4d"),
        Row(
            crossing: "report query × refuse",
            front: "refused 2 queueTimeout, report",
            daemon: "report query 1a2b3c4d"
        ),
        Row(crossing: "report query × process gone", front: "gone with 1, report", daemon: "report query 1a2b3c4d"),
        Row(crossing: "report query × abort", front: "aborted 100, report", daemon: "report query 1a2b3c4d"),
        Row(crossing: "report query × drain", front: "draining, report", daemon: "report query 1a2b3c4d"),
        Row(crossing: "report query × goodbye", front: "goodbye, requeued 2, report", daemon: "report query 1a2b3c4d"),
    ]
}
