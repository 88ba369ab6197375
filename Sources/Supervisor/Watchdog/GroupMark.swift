// SPDX-License-Identifier: MIT

import LinuxSystem

/// A group as watchdog and core name it to each other: whose it is, and of its name a hash and the first bytes.
///
/// Names have no bound; whoever makes two that are one here is the user that both belong to.
struct GroupMark: Hashable, Sendable {
    /// Owner or authority, hash and length of the name, then its beginning.
    let bytes: [UInt8]

    private static let nameOffset = 24

    init(_ key: GroupKey) {
        var bytes: [UInt8] = []
        func append(_ number: UInt64) {
            for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
        }
        append(key.tenant.map(UInt64.init) ?? .max)
        append(Self.hash(key.name.utf8))
        append(UInt64(key.name.utf8.count))
        bytes += key.name.utf8
        self.init(bytes: bytes)
    }

    init(bytes: [UInt8]) {
        self.bytes =
            Array(bytes.prefix(WorkBoard.textBytes))
            + Array(repeating: 0, count: max(0, WorkBoard.textBytes - bytes.count))
    }

    /// The beginning of the name, for the log.
    var shortName: String { String(decoding: self.bytes[Self.nameOffset...].prefix { $0 != 0 }, as: UTF8.self) }

    /// FNV-1a; the same in each process, unlike that of the standard library.
    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}

/// The numbers by which the threads of a core note the groups that they work on.
///
/// Confined to the core loop. A number that is not used any more is used again as late as possible: a thread that hangs in
/// the kernel may still have it.
struct WorkSubjects {
    private var subjects: [GroupMark: WorkBoard.Subject] = [:]
    private var freed: [WorkBoard.Subject] = []
    private var used: UInt32 = 0

    /// Without a free number the group works unseen.
    mutating func subject(of mark: GroupMark) -> WorkBoard.Subject {
        if let known = self.subjects[mark] { return known }
        let subject: WorkBoard.Subject
        if self.used < WorkBoard.Subject.maxCount {
            self.used += 1
            subject = WorkBoard.Subject(number: self.used)
        } else if !self.freed.isEmpty {
            subject = self.freed.removeFirst()
        } else {
            return .none
        }
        WorkBoard.name(subject, mark.bytes)
        self.subjects[mark] = subject
        return subject
    }

    mutating func groupGone(_ mark: GroupMark) {
        guard let subject = self.subjects.removeValue(forKey: mark) else { return }
        self.freed.append(subject)
    }
}
