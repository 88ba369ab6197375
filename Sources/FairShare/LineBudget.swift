// SPDX-License-Identifier: MIT

/// How much of the log each source may have, so that none fills the disk or keeps the lines of others out.
///
///     line of       is written if there is enough for it in
///     the program   its reserve, which nobody else touches
///     a source      its ceiling, and then its share or, when that is used up, the pot
///
/// The common rate is dealt out in equal shares to the sources that wrote lately; what a source does not use flows into the
/// pot, from which those take who need more (`MaxMin`: a source that stays below its share loses nothing, whatever
/// others do). What was left out is counted, and told in one line for each source and interval.
///
/// It knows no clock: moments are durations since any start, and never go back.
package struct LineBudget<Source: Hashable & Sendable>: Sendable {
    package struct Limits: Hashable, Sendable {
        /// What one source may write at once, and per second over time.
        package var sourceBurst = 4 << 20
        package var sourceRate = 512 << 10
        /// What all sources together may write per second, and what may gather in the pot.
        package var commonRate = 2 << 20
        package var potBurst = 16 << 20
        /// For the lines of the program itself.
        package var reserveBurst = 16 << 20
        package var reserveRate = 1 << 20
        /// What a line costs at least: a short one costs a disk and its reader something as well.
        package var leastCost = 256
        /// More sources than this share one budget.
        package var sources = 1024
        /// A source that wrote nothing for so long has no share.
        package var idle = Duration.seconds(10)
        package var interval = Duration.seconds(10)

        package init() {}
    }

    /// Whose lines they are.
    package enum Author: Hashable, Sendable {
        case program
        case source(Source)
        /// Sources beyond the number that is kept.
        case others
    }

    /// So many lines of an author were left out since the last note.
    package struct Note: Hashable, Sendable {
        package let author: Author
        package let lines: Int

        package init(author: Author, lines: Int) {
            self.author = author
            self.lines = lines
        }
    }

    private struct Account {
        var ceiling: Int
        var share: Int
        var lastLine: Duration
        var dropped = 0
        /// When the lines that were left out are told; nil while none are.
        var noteDue: Duration?

        /// Nothing is lost when it is forgotten.
        func isIdle(_ limits: Limits, at now: Duration) -> Bool {
            self.dropped == 0 && now - self.lastLine > limits.idle && self.ceiling >= limits.sourceBurst
        }
    }

    private let limits: Limits
    private var accounts: [Source: Account] = [:]
    /// Of all sources beyond the number that is kept.
    private var others: Account
    private var pot: Int
    private var reserve: Account
    private var last = Duration.zero
    /// No note is due before.
    package private(set) var nextNote: Duration?

    package init(_ limits: Limits = Limits()) {
        self.limits = limits
        self.pot = limits.potBurst
        self.others = Account(ceiling: limits.sourceBurst, share: 0, lastLine: .seconds(-3600))
        self.reserve = Account(ceiling: limits.reserveBurst, share: 0, lastLine: .zero)
    }

    /// Whether a line of so many bytes may be written now; without a source it is one of the program's own.
    package mutating func admit(_ source: Source?, bytes: Int, at now: Duration) -> Bool {
        self.refill(at: now)
        let cost = max(bytes, self.limits.leastCost)
        guard let source else {
            guard self.reserve.ceiling < cost else {
                self.reserve.ceiling -= cost
                return true
            }
            var reserve = self.reserve
            self.note(drop: &reserve, at: now)
            self.reserve = reserve
            return false
        }
        guard var account = self.account(of: source, at: now) else {
            var others = self.others
            let isAdmitted = self.take(cost, from: &others, at: now)
            self.others = others
            return isAdmitted
        }
        let isAdmitted = self.take(cost, from: &account, at: now)
        self.accounts[source] = account
        return isAdmitted
    }

    /// What is to be told by now.
    package mutating func dueNotes(at now: Duration) -> [Note] {
        guard let nextNote, nextNote <= now else { return [] }
        return self.notes { $0 <= now }
    }

    /// All that was left out and not told yet.
    package mutating func lastNotes() -> [Note] { self.nextNote == nil ? [] : self.notes { _ in true } }

    private mutating func notes(where isDue: (Duration) -> Bool) -> [Note] {
        var notes: [Note] = []
        var next: [Duration] = []
        func tell(_ account: inout Account, _ author: Author) {
            guard let due = account.noteDue else { return }
            guard isDue(due) else { return next.append(due) }
            notes.append(Note(author: author, lines: account.dropped))
            account.dropped = 0
            account.noteDue = nil
        }
        for (source, var account) in self.accounts where account.noteDue != nil {
            tell(&account, .source(source))
            self.accounts[source] = account
        }
        tell(&self.others, .others)
        tell(&self.reserve, .program)
        self.nextNote = next.min()
        return notes.sorted { $0.lines > $1.lines }
    }

    // MARK: Accounts

    private mutating func account(of source: Source, at now: Duration) -> Account? {
        if let account = self.accounts[source] { return account }
        if self.accounts.count >= self.limits.sources {
            self.accounts = self.accounts.filter { !$0.value.isIdle(self.limits, at: now) }
        }
        guard self.accounts.count < self.limits.sources else { return nil }
        // Enough to be heard at once, whatever others do.
        let share = self.limits.commonRate / self.limits.sources
        return Account(ceiling: self.limits.sourceBurst, share: max(share, 16 * self.limits.leastCost), lastLine: now)
    }

    private mutating func take(_ cost: Int, from account: inout Account, at now: Duration) -> Bool {
        account.lastLine = now
        guard account.ceiling >= cost, account.share >= cost || self.pot >= cost else {
            self.note(drop: &account, at: now)
            return false
        }
        account.ceiling -= cost
        if account.share >= cost { account.share -= cost } else { self.pot -= cost }
        return true
    }

    private mutating func note(drop account: inout Account, at now: Duration) {
        account.dropped += 1
        guard account.noteDue == nil else { return }
        account.noteDue = now + self.limits.interval
        self.nextNote = min(self.nextNote ?? now + self.limits.interval, now + self.limits.interval)
    }

    // MARK: Time

    private mutating func refill(at now: Duration) {
        let passed = now - self.last
        // Seldom enough to cost nothing, whatever the number of sources.
        guard passed >= .milliseconds(10) else { return }
        self.last = now
        let time = min(passed, .seconds(60))
        func grown(_ rate: Int) -> Int { Int(time / .milliseconds(1) * Double(rate) / 1000) }
        self.reserve.ceiling = min(self.limits.reserveBurst, self.reserve.ceiling + grown(self.limits.reserveRate))
        self.others.ceiling = min(self.limits.sourceBurst, self.others.ceiling + grown(self.limits.sourceRate))
        for source in self.accounts.keys {
            guard let ceiling = self.accounts[source]?.ceiling else { continue }
            self.accounts[source]?.ceiling = min(self.limits.sourceBurst, ceiling + grown(self.limits.sourceRate))
        }
        self.deal(grown(self.limits.commonRate), at: now)
    }

    /// Gives what has come in to those who wrote lately; what they have no room for goes into the pot.
    private mutating func deal(_ income: Int, at now: Duration) {
        func isActive(_ account: Account) -> Bool { now - account.lastLine <= self.limits.idle }
        let active = self.accounts.filter { isActive($0.value) }.map(\.key)
        let count = active.count + (isActive(self.others) ? 1 : 0)
        // A second's worth may gather.
        let most = self.limits.commonRate / max(1, count)
        func room(_ account: Account) -> Int { max(0, most - account.share) }
        var rooms = active.compactMap { self.accounts[$0].map { Double(room($0)) } }
        if isActive(self.others) { rooms.append(Double(room(self.others))) }
        let level: Int =
            switch MaxMin.level(of: Double(income), among: rooms) {
            case .each(let level): Int(level)
            case .enough: most
            }
        var left = income
        func give(_ account: inout Account) {
            let part = min(level, room(account))
            account.share += part
            left -= part
        }
        for source in active {
            guard var account = self.accounts[source] else { continue }
            give(&account)
            self.accounts[source] = account
        }
        if isActive(self.others) {
            var others = self.others
            give(&others)
            self.others = others
        }
        self.pot = min(self.limits.potBurst, self.pot + left)
    }
}
