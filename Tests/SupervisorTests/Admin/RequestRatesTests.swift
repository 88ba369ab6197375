// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import Supervisor

struct RequestRatesTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private var rates = RequestRates()

    @Test mutating func `the first requests are answered at once, others at an even pace`() {
        for _ in 0..<RequestRates.burst { #expect(self.rates.wait(of: 1000, at: self.start) == .zero) }
        for number in 1...100 {
            #expect(self.rates.wait(of: 1000, at: self.start) == RequestRates.interval * number)
        }
        #expect(self.rates.wait(of: 1001, at: self.start) == .zero, "another user has a pace of their own")
    }

    @Test mutating func `who asks no faster than the pace never waits`() {
        for number in 0..<1000 {
            #expect(self.rates.wait(of: 1000, at: self.start + RequestRates.interval * number) == .zero)
        }
    }

    @Test mutating func `a burst comes back with time`() {
        for _ in 0..<200 { _ = self.rates.wait(of: 1000, at: self.start) }
        let later = self.start + .minutes(1)
        for _ in 0..<RequestRates.burst { #expect(self.rates.wait(of: 1000, at: later) == .zero) }
        #expect(self.rates.wait(of: 1000, at: later) == RequestRates.interval)
    }

    @Test mutating func `thousands of users are not kept for ever`() {
        for uid in UInt32(0)..<100_000 { _ = self.rates.wait(of: uid, at: self.start + .seconds(Int64(uid))) }
        #expect(self.rates.count <= 1024)
    }
}
