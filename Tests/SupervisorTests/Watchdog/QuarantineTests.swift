// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@testable import Supervisor

struct QuarantineTests {
    private static let joe = GroupMark(GroupKey(namespace: .authority, name: "/srv/joe"))

    /// What happened, and at which minute.
    enum Event: Sendable {
        case crash(Int), lift(Int), time(Int)
    }

    struct Row: Sendable {
        let state: String
        let before: [Event]
        let event: Event
        let after: Quarantine.State?
        var action: Quarantine.CrashAction?
    }

    private static func at(_ minute: Int) -> UInt64 { UInt64(minute) * 60_000_000_000 }

    private static func quarantined(from minute: Int, minutes: Int) -> Quarantine.State {
        .quarantined(until: self.at(minute + minutes), length: .seconds(60 * minutes))
    }

    private static func released(_ minute: Int, minutes: Int) -> Quarantine.State {
        .released(since: self.at(minute), length: .seconds(60 * minutes))
    }

    /// Each state with each event.
    static let rows: [Row] = [
        Row(state: "not known", before: [], event: .crash(1), after: .suspect(since: at(1)), action: .watch),
        Row(state: "not known", before: [], event: .lift(1), after: nil),
        Row(state: "not known", before: [], event: .time(1), after: nil),
        Row(
            state: "suspect",
            before: [.crash(1)],
            event: .crash(10),
            after: quarantined(from: 10, minutes: 1),
            action: .quarantine(for: .seconds(60))
        ),
        Row(state: "suspect", before: [.crash(1)], event: .lift(2), after: nil),
        Row(state: "suspect", before: [.crash(1)], event: .time(10), after: .suspect(since: at(1))),
        Row(state: "suspect", before: [.crash(1)], event: .time(11), after: nil),
        Row(state: "suspect", before: [.crash(1)], event: .crash(11), after: .suspect(since: at(11)), action: .watch),
        Row(
            state: "quarantined",
            before: [.crash(1), .crash(1), .time(2), .crash(3)],
            event: .crash(4),
            after: quarantined(from: 3, minutes: 2),
            action: .ignored(reason: "nobody touches a group in quarantine")
        ),
        Row(state: "quarantined", before: [.crash(1), .crash(2)], event: .lift(2), after: released(2, minutes: 1)),
        Row(
            state: "quarantined",
            before: [.crash(1), .crash(2)],
            event: .time(2),
            after: quarantined(from: 2, minutes: 1)
        ),
        Row(state: "quarantined", before: [.crash(1), .crash(2)], event: .time(3), after: released(3, minutes: 1)),
        Row(
            state: "released",
            before: [.crash(1), .crash(2), .time(3)],
            event: .crash(12),
            after: quarantined(from: 12, minutes: 2),
            action: .quarantine(for: .seconds(120))
        ),
        Row(
            state: "released by hand",
            before: [.crash(1), .crash(2), .lift(2)],
            event: .crash(2),
            after: quarantined(from: 2, minutes: 2),
            action: .quarantine(for: .seconds(120))
        ),
        Row(state: "released", before: [.crash(1), .crash(2)], event: .lift(4), after: released(3, minutes: 1)),
        Row(state: "released", before: [.crash(1), .crash(2)], event: .time(12), after: released(3, minutes: 1)),
        Row(state: "released", before: [.crash(1), .crash(2)], event: .time(13), after: nil),
    ]

    @Test(arguments: rows)
    func `what becomes of a group`(_ row: Row) {
        var quarantine = Quarantine()
        for event in row.before { _ = Self.apply(event, to: &quarantine) }
        #expect(Self.apply(row.event, to: &quarantine) == row.action, "\(row.state)")
        #expect(quarantine.entries[Self.joe]?.state == row.after, "\(row.state)")
    }

    private static func apply(_ event: Event, to quarantine: inout Quarantine) -> Quarantine.CrashAction? {
        switch event {
        case .crash(let minute): return quarantine.coreEnded(by: self.joe, at: self.at(minute))
        case .lift(let minute): quarantine.lifted(self.joe, at: self.at(minute))
        case .time(let minute): _ = quarantine.inForce(at: self.at(minute))
        }
        return nil
    }

    @Test func `it doubles from a minute to an hour`() {
        var quarantine = Quarantine()
        var minutes: [Int64] = []
        var now: UInt64 = 0
        _ = quarantine.coreEnded(by: Self.joe, at: now)
        for _ in 0..<8 {
            guard case .quarantine(let length) = quarantine.coreEnded(by: Self.joe, at: now) else { break }
            minutes.append(length.components.seconds / 60)
            now += UInt64(length.components.seconds) * 1_000_000_000
        }
        #expect(minutes == [1, 2, 4, 8, 16, 32, 60, 60])
    }

    @Test func `others are not touched, and a crowd of suspects is bounded`() {
        var quarantine = Quarantine()
        _ = quarantine.coreEnded(by: Self.joe, at: 1)
        _ = quarantine.coreEnded(by: Self.joe, at: 2)
        for number in 0..<200 {
            let other = GroupMark(GroupKey(namespace: .authority, name: "/srv/\(number)"))
            #expect(quarantine.coreEnded(by: other, at: UInt64(3 + number)) == .watch)
        }
        #expect(quarantine.entries.count == Quarantine.maxCount)
        #expect(quarantine.inForce(at: 300).map(\.group) == [Self.joe])
    }

    @Test(arguments: [
        (LinuxSystem.ExitStatus.signaled(Signal.kill.rawValue, coreDumped: false), false),
        (.signaled(Signal.terminate.rawValue, coreDumped: false), false), (.exited(9), false), (.exited(0), false),
        (.signaled(Signal.segmentationFault.rawValue, coreDumped: true), true),
        (.signaled(Signal.illegalInstruction.rawValue, coreDumped: false), true),
        (.signaled(Signal.trap.rawValue, coreDumped: false), true),
        (.signaled(Signal.busError.rawValue, coreDumped: false), true),
        (.signaled(Signal.abort.rawValue, coreDumped: false), true),
    ])
    func `only faults of the core itself count`(status: LinuxSystem.ExitStatus, counts: Bool) {
        #expect(status.isFault == counts)
    }

    @Test func `groups are told apart by owner and by every byte of their name`() {
        let long = String(repeating: "x", count: 300)
        let keys = [
            GroupKey(namespace: .authority, name: "/srv/a"), GroupKey(namespace: .uid(0), name: "/srv/a"),
            GroupKey(namespace: .uid(1), name: "/srv/a"), GroupKey(namespace: .authority, name: "/srv/b"),
            GroupKey(namespace: .authority, name: long + "a"), GroupKey(namespace: .authority, name: long + "b"),
            GroupKey(namespace: .authority, name: "caf\u{E9}"), GroupKey(namespace: .authority, name: "cafe\u{301}"),
        ]
        let marks = keys.map { GroupMark($0) }
        #expect(Set(marks).count == keys.count)
        #expect(marks.allSatisfy { $0.bytes.count == WorkBoard.textBytes })
        #expect(marks[0].shortName == "/srv/a" && GroupMark(bytes: marks[0].bytes) == marks[0])
    }
}
