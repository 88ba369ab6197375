// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization
import Testing

@testable import FrontProxy

struct ClientSharesTests {
    private static let step = 16 * 1024

    @Test func `what is small is not counted, what is large in steps, and all of it is given back`() {
        let shares = ClientShares()
        var share: ClientShare? = shares.share(of: "192.0.2.1", in: .memory, free: 4096)
        for (bytes, used) in [(4096, 0), (4097, 1), (16_384, 1), (16_385, 2), (5000, 1), (0, 0), (100_000, 7)] {
            #expect(share?.resize(to: bytes) == true)
            #expect(shares.used(in: .memory) == used * Self.step, "\(bytes)")
        }
        #expect(shares.used(in: .files) == 0)
        share = nil
        #expect(shares.used(in: .memory) == 0)
    }

    @Test func `who has all of it gets no more, others get an equal share`() {
        var limits = ClientShares.Limits()
        limits.memory = 8 * Self.step
        let shares = ClientShares(limits)
        let greedy = (1...8).map { _ in shares.share(of: "192.0.2.1", in: .memory, free: 0) }
        for share in greedy { #expect(share.resize(to: Self.step)) }
        #expect(!greedy[0].resize(to: 2 * Self.step))
        #expect(shares.used(in: .memory) == 8 * Self.step)
        let modest = shares.share(of: "192.0.2.2", in: .memory, free: 0)
        #expect(modest.resize(to: 4 * Self.step))
        #expect(!modest.resize(to: 5 * Self.step))
        #expect(shares.used(in: .memory) == 12 * Self.step)
        // Less is always granted.
        #expect(greedy.allSatisfy { $0.resize(to: 0) })
        #expect(modest.resize(to: 8 * Self.step))
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.2", false), ("::ffff:192.0.2.1", "192.0.2.1", true),
        ("2001:db8::1", "2001:db8::ffff:1:2:3", true), ("2001:db8::1", "2001:db8:0:1::1", false),
        ("unix:", "unix:", true), ("unix:", "192.0.2.1", false),
    ])
    func `a client of IPv6 has one share for all of its network`(_ one: String, _ other: String, _ isSame: Bool) {
        var limits = ClientShares.Limits()
        limits.files = 2 * Self.step
        let shares = ClientShares(limits)
        let (first, second) = (shares.share(of: one, in: .files, free: 0), shares.share(of: other, in: .files, free: 0))
        #expect(first.resize(to: 2 * Self.step))
        #expect(second.resize(to: Self.step) == !isSame)
    }

    @Test func `memory is worth being given back when much of it was in use and is not any more`() {
        let eased = Atomic(0)
        let shares = ClientShares { eased.add(1, ordering: .relaxed) }
        let share = shares.share(of: "192.0.2.1", in: .memory)
        for bytes in [8 << 20, 0, 20 << 20, 4 << 20, 20 << 20] { _ = share.resize(to: bytes) }
        #expect(eased.load(ordering: .relaxed) == 0)
        _ = share.resize(to: 2 << 20)
        _ = share.resize(to: 0)
        #expect(eased.load(ordering: .relaxed) == 1)
    }
}
