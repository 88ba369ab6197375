// SPDX-License-Identifier: MIT

/// So much at once, and so much in each period after that.
package struct Pace: Hashable, Sendable {
    package let atOnce: Int
    package let perPeriod: Int
    package let period: Duration

    package init(_ atOnce: Int, perSecond: Int) {
        self.init(atOnce: atOnce, perPeriod: perSecond, period: .seconds(1))
    }

    /// So much in any minute, all of it at once if need be.
    package init(perMinute: Int) {
        self.init(atOnce: perMinute, perPeriod: perMinute, period: .seconds(60))
    }

    private init(atOnce: Int, perPeriod: Int, period: Duration) {
        self.atOnce = atOnce
        self.perPeriod = perPeriod
        self.period = period
    }

    /// What so many may have together who each have this.
    package func times(_ count: Int) -> Pace {
        Pace(atOnce: atOnce * count, perPeriod: perPeriod * count, period: period)
    }

    fileprivate var perSecond: Double { Double(perPeriod) / Double(period.components.seconds) }
}

/// The pace of each, and of all together; nil: each for itself, because their number is bounded elsewhere.
package struct SharedPace: Hashable, Sendable {
    package let each: Pace
    package let all: Pace?

    package init(each: Pace, all: Pace?) {
        self.each = each
        self.all = all
    }
}

extension Budget.Limits {
    /// A rate.
    package init(_ pace: SharedPace) {
        self.init(
            total: pace.all.map { Double($0.atOnce) } ?? .infinity,
            reserve: 0,
            each: Double(pace.each.atOnce),
            drain: pace.all?.perSecond ?? .infinity,
            drainOfEach: pace.each.perSecond
        )
    }
}

extension Budget {
    package init(_ pace: SharedPace) { self.init(Limits(pace)) }
}
