// SPDX-License-Identifier: MIT

import Testing

@testable import FrontProxy

struct DaemonPresenceTests {
    @Test func `one line when the daemon goes and one when it is back`() {
        var news = PresenceNews()
        #expect(news.connected(at: 0) == .log(hidden: 0))
        #expect(news.connected(at: 1) == .nothing)
        #expect(news.lost(at: 5_000) == .log(hidden: 0))
        for time in 5_001..<5_100 { #expect(news.lost(at: Int64(time)) == .nothing) }
        #expect(news.connected(at: 9_000) == .log(hidden: 0))
    }

    @Test func `the return is logged at once, a loss at most once per second`() {
        var news = PresenceNews()
        #expect(news.lost(at: 0) == .log(hidden: 0))
        #expect(news.connected(at: 100) == .log(hidden: 0))
        #expect(news.lost(at: 200) == .nothing)
        #expect(news.connected(at: 300) == .nothing)
        #expect(news.lost(at: 400) == .nothing)
        #expect(news.lost(at: 1_000) == .log(hidden: 2))
        #expect(news.connected(at: 1_001) == .log(hidden: 0))
    }

    @Test func `waits between attempts grow to a second and start anew after a success`() {
        var backoff = ReconnectBackoff()
        #expect((0..<9).map { _ in backoff.failed() } == [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000])
        backoff.succeeded()
        #expect(backoff.failed() == 10)
    }
}
