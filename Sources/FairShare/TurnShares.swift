// SPDX-License-Identifier: MIT

/// Shares a part of a thread's time: `MaxMin`, anew in each period.
///
/// Who has used more, because a single turn took long, pays it back in the next periods. So all floods together cost the
/// thread `total` of a period, and whoever wants little never waits. Times are nanoseconds.
///
///     event          within the level   above it
///     charge         –                  pause until a period ends with the debt paid
///     period ends    forgotten          the level is deducted; resumed once less than it is left
package struct TurnShares: Sendable {
    package struct ID: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    package static let period: UInt64 = 50_000_000
    /// Of each period: the rest is for starts, ends and orders.
    package static let total: UInt64 = 20_000_000
    /// A debt is forgiven after so many periods at the latest, should a clock or a machine have stood still.
    private static let longestDebt: UInt64 = 200

    private struct Account {
        var spent: UInt64 = 0
        var isPaused = false
    }

    private var accounts: [ID: Account] = [:]
    private var level = total
    private var spentInPeriod: UInt64 = 0
    private var periodEnd: UInt64 = 0
    private var lastNumber: UInt64 = 0
    /// Those that may go on since the last period began, and have not been told.
    private var resumed: Set<ID> = []

    package init() {}

    package mutating func newID() -> ID {
        self.lastNumber += 1
        return ID(number: self.lastNumber)
    }

    /// When `periodEnded` is to be called; nil: nobody waits for it.
    package var nextResumption: UInt64? {
        self.resumed.isEmpty && !self.accounts.values.contains { $0.isPaused } ? nil : self.periodEnd
    }

    /// Notes what a turn took; true if its user is to be left alone for now.
    package mutating func charge(_ id: ID, _ cost: UInt64, at now: UInt64) -> Bool {
        if now >= self.periodEnd { self.beginPeriod(at: now) }
        let limit = Self.total * Self.longestDebt
        var account = self.accounts[id] ?? Account()
        account.spent = min(limit, account.spent + min(limit, cost))
        self.spentInPeriod = min(limit, self.spentInPeriod + min(limit, cost))
        self.accounts[id] = account
        if self.spentInPeriod > Self.total {
            // More came than in the last period: from now on nobody gets more than if all wanted everything.
            self.level = min(self.level, Self.total / UInt64(self.accounts.count))
        }
        account.isPaused = account.isPaused || account.spent > self.level
        self.accounts[id] = account
        if account.isPaused { self.resumed.remove(id) }
        return account.isPaused
    }

    /// Begins the next period if its time has come and nobody was charged in it yet; returns those that may go on.
    package mutating func periodEnded(at now: UInt64) -> [ID] {
        if now >= self.periodEnd { self.beginPeriod(at: now) }
        defer { self.resumed = [] }
        return Array(self.resumed)
    }

    package mutating func remove(_ id: ID) {
        self.accounts[id] = nil
        self.resumed.remove(id)
    }

    private mutating func beginPeriod(at now: UInt64) {
        let passed = (now - self.periodEnd) / Self.period + 1
        self.periodEnd = now - (now - self.periodEnd) % Self.period + Self.period
        self.spentInPeriod = 0
        self.level = Self.level(for: self.accounts.values.map { $0.isPaused ? .infinity : Double($0.spent) })
        let paid = self.level * min(passed, Self.longestDebt)
        for (id, account) in self.accounts {
            let left = account.spent - min(account.spent, paid)
            // Below the level there is room for another read; what is left of it counts in this period.
            let isPaused = account.isPaused && left >= self.level
            if account.isPaused, !isPaused { self.resumed.insert(id) }
            self.accounts[id] = left > 0 || isPaused ? Account(spent: left, isPaused: isPaused) : nil
        }
    }

    /// What each may have of a period in which they want as much as in the last one.
    private static func level(for demands: [Double]) -> UInt64 {
        switch MaxMin.level(of: Double(self.total), among: demands) {
        case .each(let level): UInt64(level)
        // All are content: any of them may have the rest too.
        case .enough(let left): UInt64(left + (demands.max() ?? 0))
        }
    }
}
