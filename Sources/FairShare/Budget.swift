// SPDX-License-Identifier: MIT

/// Shares what there is only so much of among those who want it: places, bytes, or work in a second.
///
/// The share is `MaxMin`. Whoever is above it is refused, has to wait, or gives something up; nobody else notices that they
/// are there.
///
///     what is shared    asked for by                          ends by
///     places, bytes     `take`, which may refuse              `giveBack`
///     log lines         `take`, which may refuse              itself: it drains with time
///     frames            `spend`, which says how long to wait  itself: it drains with time
///
/// Draining is shared in the same way, so that who has spent little is free again first. A value without a clock: `now`
/// is in nanoseconds of a clock that only grows.
package struct Budget<Subject: Hashable & Sendable>: Sendable {
    package struct Limits: Hashable, Sendable {
        /// What all may hold together.
        package var total: Double
        /// The part of it that only `take(fromReserve: true)` gives.
        package var reserve: Double
        /// What one may hold, however little others want.
        package var each: Double
        /// What goes away by itself in a second, of all together and of one; 0: nothing does.
        package var drain: Double
        package var drainOfEach: Double

        /// A stock: what is taken is held until it is given back.
        package init(total: Int, reserve: Int = 0, each: Int) {
            self.init(total: Double(total), reserve: Double(reserve), each: Double(each), drain: 0, drainOfEach: 0)
        }

        init(total: Double, reserve: Double, each: Double, drain: Double, drainOfEach: Double) {
            self.total = total
            self.reserve = reserve
            self.each = each
            self.drain = drain
            self.drainOfEach = drainOfEach
        }
    }

    package enum Verdict: Equatable, Sendable {
        case granted
        /// There was nothing left, but the asker is below the share: this subject is above it, and has to give something up.
        case grantedInPlaceOf(Subject)
        case refused

        package var isGranted: Bool { self != .refused }
    }

    /// Draining more often than this gains nothing and costs a look at everybody.
    private static var tick: UInt64 { 10_000_000 }
    /// Users kept in mind; an attacker may have as many as a user namespace gives them.
    private static var subjectLimit: Int { 1024 }
    /// Nobody waits longer in one go.
    private static var longestWait: Double { 30 }

    package let limits: Limits
    private var held: [Subject: Double] = [:]
    private var sum: Double = 0
    private var drainedAt: UInt64?
    /// How often somebody was refused or had to wait.
    package private(set) var refusals: UInt64 = 0

    package init(_ limits: Limits) { self.limits = limits }

    /// Asks for so much at once; it is held only if it is granted.
    ///
    /// `fromReserve`: the asker may use what is kept for root.
    package mutating func take(
        _ amount: Int = 1,
        by subject: Subject,
        fromReserve: Bool = false,
        at now: UInt64 = 0
    ) -> Verdict {
        self.drain(to: now)
        let verdict = self.verdict(on: Double(amount), by: subject, fromReserve: fromReserve)
        if verdict.isGranted { self.add(Double(amount), to: subject) } else { self.refusals += 1 }
        return verdict
    }

    /// Whether `take` would grant it, as things are.
    package func grants(_ amount: Int = 1, to subject: Subject) -> Bool {
        self.verdict(on: Double(amount), by: subject, fromReserve: false).isGranted
    }

    /// What was taken is free again.
    package mutating func giveBack(_ amount: Int = 1, by subject: Subject) {
        guard let mine = self.held[subject] else { return }
        let gone = min(mine, Double(amount))
        self.held[subject] = mine > gone ? mine - gone : nil
        self.sum = self.held.isEmpty ? 0 : self.sum - gone
    }

    /// Notes work that is done in any case; returns how long its subject has to wait until it is due, zero for most.
    package mutating func spend(_ amount: Int = 1, by subject: Subject, at now: UInt64) -> Duration {
        self.drain(to: now)
        guard self.held[subject] != nil || self.held.count < Self.subjectLimit else {
            self.refusals += 1
            return .seconds(1)
        }
        self.add(Double(amount), to: subject)
        let level = self.held[subject] ?? 0
        let allowed = self.sum <= self.limits.total ? self.limits.each : min(self.limits.each, self.share())
        guard level > allowed else { return .zero }
        self.refusals += 1
        let rate = min(self.limits.drainOfEach, self.limits.drain / Double(self.held.count))
        return .nanoseconds(Int64((min(Self.longestWait, (level - allowed) / rate) * 1e9).rounded()))
    }

    /// What one subject holds.
    package func held(by subject: Subject) -> Int { Int(self.held[subject] ?? 0) }

    /// What all hold together.
    package var used: Int { Int(self.sum) }

    // MARK: Shares

    private func verdict(on amount: Double, by subject: Subject, fromReserve: Bool) -> Verdict {
        let total = fromReserve ? self.limits.total : self.limits.total - self.limits.reserve
        let wanted = (self.held[subject] ?? 0) + amount
        guard wanted <= self.limits.each else { return .refused }
        guard self.sum + amount > total else { return .granted }
        guard wanted <= self.share(of: total, wanting: wanted, for: subject) else { return .refused }
        guard let (most, _) = self.held.max(by: { $0.value < $1.value }), most != subject else { return .refused }
        return .grantedInPlaceOf(most)
    }

    private func share() -> Double { Self.share(of: self.limits.total, among: self.held.values) }

    private func share(of total: Double, wanting wanted: Double, for subject: Subject) -> Double {
        // Nobody's share is smaller than an equal part: most questions end here.
        let others = self.held.count + (self.held[subject] == nil ? 1 : 0)
        let equal = total / Double(others)
        guard wanted > equal else { return equal }
        var demands = self.held
        demands[subject] = wanted
        return Self.share(of: total, among: demands.values)
    }

    /// The most that each may have.
    private static func share(of total: Double, among demands: some Sequence<Double>) -> Double {
        switch MaxMin.level(of: total, among: demands) {
        case .each(let level): level
        case .enough: .infinity
        }
    }

    private mutating func add(_ amount: Double, to subject: Subject) {
        self.held[subject, default: 0] += amount
        self.sum += amount
    }

    // MARK: Time

    private mutating func drain(to now: UInt64) {
        guard self.limits.drain > 0 else { return }
        guard let last = self.drainedAt, !self.held.isEmpty else {
            self.drainedAt = now
            return
        }
        guard now > last, now - last >= Self.tick else { return }
        self.drainedAt = now
        let seconds = Double(now - last) / 1e9
        var left = self.limits.drain * seconds
        let most = self.limits.drainOfEach * seconds
        var others = self.held.count
        self.sum = 0
        for (subject, level) in self.held.sorted(by: { $0.value < $1.value }) {
            let part = min(level, most, left / Double(others))
            left -= part
            others -= 1
            let rest = level - part
            // Less than this is rounding.
            self.held[subject] = rest > 1e-6 ? rest : nil
            self.sum += rest > 1e-6 ? rest : 0
        }
    }
}
