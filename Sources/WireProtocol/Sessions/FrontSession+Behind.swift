// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore

/// What the daemon knows a waiting request by.
struct Ticket: Hashable, Sendable {
    /// The request that asked first.
    let id: RequestID
    let askedAt: NIODeadline

    /// For how long the daemon may take one request for another, and not know of one at all.
    static let patience = TimeAmount.milliseconds(WireLimits.behindMilliseconds)

    /// Whether another request may take the place of the one that is served.
    func mayPass(at now: NIODeadline) -> Bool { now - self.askedAt < Self.patience }
}

// Requests that stay behind another one of their app, because a session that is kept here will be free before the daemon
// could give them one. The daemon has to know that somebody waits, not how many: with one ticket per app, which passes
// from a request that is served to the next, a busy app costs hardly a message.
extension FrontSession {
    /// Requests that wait without a word to the daemon.
    package var requestsBehind: Int { self.requests.values.reduce(0) { $0 + ($1.phase == .behind ? 1 : 0) } }

    /// Whether it stays behind; those ahead of it ask now if there are too many.
    mutating func stayBehind(_ checkout: Checkout, at now: NIODeadline) -> Bool {
        let app = checkout.app
        guard self.keepsSessions, checkout.stickyID == 0, !self.shelf.unlimited.contains(app), self.isAsked(app) else {
            return false
        }
        let line = self.shelf.behind[app]?.count ?? 0
        guard line + (self.shelf.asked[app]?.count ?? 0) < self.roomBehind(app) else {
            self.askBehind(of: app, at: now)
            return false
        }
        guard line > 0 || self.isServed(app, at: now) else { return false }
        self.requests[checkout.request] = Request(checkout: checkout, since: now, phase: .behind)
        self.shelf.behind[app, default: []].append(checkout.request)
        self.shelf.consider(now + Ticket.patience)
        return true
    }

    /// A request that was asked is served or taken back: the next one takes its place, or the daemon is told of this ticket.
    mutating func served(_ request: Request, at now: NIODeadline) -> RequestID? {
        guard let ticket = request.ticket else { return nil }
        if ticket.mayPass(at: now), let next = self.takeBehind(of: request.checkout.app) {
            self.requests[next]?.phase = .asked
            self.requests[next]?.ticket = ticket
            self.successors[ticket.id] = next
            self.shelf.asked[request.checkout.app, default: []].append(next)
            return nil
        }
        self.successors[ticket.id] = nil
        return ticket.id
    }

    /// The request that an answer to `ticket` is for, which gets no other one.
    mutating func successor(of ticket: RequestID) -> RequestID {
        guard !self.successors.isEmpty else { return ticket }
        return self.successors.removeValue(forKey: ticket) ?? ticket
    }

    /// Somebody of each app with requests behind is asked for; all are unless a session here will serve them.
    mutating func settleBehind(at now: NIODeadline, isServed: Bool = false) {
        guard !self.shelf.behind.isEmpty else { return }
        for app in Array(self.shelf.behind.keys) {
            if !self.isOpen {
                while let id = self.takeBehind(of: app) { self.requeue(id, at: now) }
            } else if !isServed, !self.isServed(app, at: now) {
                self.askBehind(of: app, at: now)
            } else if !self.isAsked(app), let id = self.takeBehind(of: app) {
                self.shelf.pending += self.ask(id, at: now)
            }
        }
    }

    /// The daemon hears of those that have waited too long for anything else.
    mutating func askLate(at now: NIODeadline) {
        for app in Array(self.shelf.behind.keys) {
            while let first = self.firstBehind(of: app), let since = self.requests[first]?.since {
                guard since + Ticket.patience <= now else {
                    self.shelf.consider(since + Ticket.patience)
                    break
                }
                _ = self.takeBehind(of: app)
                self.shelf.pending += self.ask(first, at: now)
            }
        }
    }

    mutating func askBehind(of app: AppNumber, at now: NIODeadline) {
        while let id = self.takeBehind(of: app) { self.shelf.pending += self.ask(id, at: now) }
    }

    /// Whether a session that is kept carries a request of the app, and may carry the next one.
    private func isServed(_ app: AppNumber, at now: NIODeadline) -> Bool {
        self.sessions.values.contains { $0.app == app && $0.mayGoOn(at: now) }
    }

    private mutating func isAsked(_ app: AppNumber) -> Bool {
        while let first = self.shelf.asked[app]?.first {
            if self.requests[first]?.phase == .asked { return true }
            self.shelf.asked[app]?.removeFirst()
        }
        return false
    }

    private mutating func firstBehind(of app: AppNumber) -> RequestID? {
        while let first = self.shelf.behind[app]?.first {
            if self.requests[first]?.phase == .behind { return first }
            self.shelf.behind[app]?.removeFirst()
        }
        self.shelf.behind[app] = nil
        return nil
    }

    private mutating func takeBehind(of app: AppNumber) -> RequestID? {
        guard let first = self.firstBehind(of: app) else { return nil }
        self.shelf.behind[app]?.removeFirst()
        if self.shelf.behind[app]?.isEmpty == true { self.shelf.behind[app] = nil }
        return first
    }

    /// The daemon gives no leases from half of the queue's limit on, and refuses what exceeds it: it has to know by then.
    private mutating func roomBehind(_ app: AppNumber) -> Int {
        if let room = self.shelf.rooms[app] { return room }
        let setting = self.definitions[app]?.settings[SettingName.maxRequestQueueSize]
        let limit = setting.flatMap { Int($0) } ?? AppSettings.defaultMaxRequestQueueSize
        let room = limit > 0 ? min(WireLimits.requestsBehind, limit / 2) : WireLimits.requestsBehind
        self.shelf.rooms[app] = room
        return room
    }
}
