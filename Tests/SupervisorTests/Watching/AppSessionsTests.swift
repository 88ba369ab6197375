// SPDX-License-Identifier: MIT

import Testing

@testable import Supervisor

struct AppSessionsTests {
    private let sessions = AppSessions()

    @Test func `a process belongs to the app whose session it is in, the latest of that number`() {
        #expect(self.sessions.app(inSession: 7, of: 1000) == nil)
        self.sessions.began(7, app: "/srv/first", uid: 1000)
        self.sessions.began(7, app: "/srv/second", uid: 1000)
        self.sessions.began(8, app: "/srv/third", uid: 1000)
        #expect(self.sessions.app(inSession: 7, of: 1000) == "/srv/second")
    }

    @Test func `in a session of its own it belongs to the only app of its user`() {
        self.sessions.began(7, app: "/srv/first", uid: 1000)
        self.sessions.began(8, app: "/srv/other", uid: 1001)
        self.sessions.began(9, app: "/srv/first", uid: 1000)
        #expect(self.sessions.app(inSession: 4711, of: 1000) == "/srv/first")
        #expect(self.sessions.app(inSession: 4711, of: 1002) == nil)
        self.sessions.began(10, app: "/srv/second", uid: 1000)
        #expect(self.sessions.app(inSession: 4711, of: 1000) == nil)
    }

    @Test func `old sessions are forgotten, unless their number came again`() {
        self.sessions.began(7, app: "/srv/old", uid: 1000)
        for number in 1...4095 { self.sessions.began(-Int32(number), app: "/srv/other", uid: 1001) }
        #expect(self.sessions.app(inSession: 7, of: 1) == "/srv/old")
        self.sessions.began(-1, app: "/srv/other", uid: 1001)
        #expect(self.sessions.app(inSession: 7, of: 1) == nil)
        self.sessions.began(-3, app: "/srv/other", uid: 1001)
        #expect(self.sessions.app(inSession: -1, of: 1) == "/srv/other")
    }
}
