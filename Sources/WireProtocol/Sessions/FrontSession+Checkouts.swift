// SPDX-License-Identifier: MIT

import AppSettings
package import NIOCore

/// What the front itself does: checkouts, cancels, releases.
extension FrontSession {
    package enum CheckoutAction: Hashable, Sendable {
        /// Write both, the definition first.
        case send(DefineApp?, Checkout)
        /// A session that is kept carries it: hand the grant to whoever asks.
        case granted(Granted)
        /// There is no connection now, or another request of its app is ahead: it is sent later, or never.
        case wait
        /// Cannot be sent at all: why.
        case rejected(reason: String)
    }

    /// Asks for a session of the app that `definition` describes.
    ///
    /// `definition` is sent along if the daemon was not told of it on this connection.
    package mutating func checkout(
        _ checkout: Checkout,
        of definition: @autoclosure () -> DefineApp,
        at now: NIODeadline
    ) -> CheckoutAction {
        guard self.requests[checkout.request] == nil else { return .rejected(reason: "request id is in use") }
        if self.definitions[checkout.app] == nil {
            let definition = definition()
            let size = definition.wireSize
            guard size <= Int(WireLimits.frame) else {
                return .rejected(reason: "the app's settings take \(size) bytes, the limit is \(WireLimits.frame)")
            }
            self.definitions[checkout.app] = definition
        }
        guard self.isOpen else {
            self.requests[checkout.request] = Request(checkout: checkout, since: now, phase: .waiting)
            self.waiting.append(checkout.request, since: now)
            return .wait
        }
        if let granted = self.takeIdle(for: checkout, at: now) { return .granted(granted) }
        if self.stayBehind(checkout, at: now) { return .wait }
        let ticket = Ticket(id: checkout.request, askedAt: now)
        self.requests[checkout.request] = Request(checkout: checkout, since: now, phase: .asked, ticket: ticket)
        self.noteAsked(checkout)
        return .send(self.undefined(checkout.app), self.understood(checkout))
    }

    package enum DefineAction: Hashable, Sendable {
        case send(DefineApp)
        /// It goes along with the next checkout of the app.
        case nothing
    }

    /// The app's settings changed; the daemon is told at once if it knew the old ones.
    package mutating func redefine(_ definition: DefineApp) -> DefineAction {
        self.definitions[definition.app] = definition
        self.shelf.rooms[definition.app] = nil
        guard self.isOpen, self.defined.contains(definition.app) else {
            self.defined.remove(definition.app)
            return .nothing
        }
        return .send(definition)
    }

    package enum CancelAction: Hashable, Sendable {
        case send(Cancel)
        /// It was never sent, or another one takes its place: nothing to do.
        case forgotten
        /// It was answered before.
        case ignored(reason: String)
    }

    package mutating func cancel(_ id: RequestID, at now: NIODeadline) -> CancelAction {
        guard let request = self.requests.removeValue(forKey: id) else { return .ignored(reason: "no such checkout") }
        switch request.phase {
        case .waiting:
            self.waiting.oneLeft()
            return .forgotten
        case .behind: return .forgotten
        case .asked:
            defer { self.settleBehind(at: now) }
            guard let ticket = self.served(request, at: now) else { return .forgotten }
            return .send(Cancel(request: ticket))
        }
    }

    package enum SessionAction: Hashable, Sendable {
        case send(FrontMessage)
        /// The session is over already: its process or its connection ended.
        case ignored(reason: String)
    }

    /// The session is over for the front; nothing more is said of it.
    package mutating func abandoned(
        _ session: SessionID,
        stream: StreamNumber? = nil,
        at now: NIODeadline
    ) -> SessionAction {
        guard self.endsAbandonedSessions else { return .ignored(reason: "not negotiated") }
        guard self.sessions.removeValue(forKey: session) != nil else { return .ignored(reason: "no such session") }
        self.settleBehind(at: now)
        return .send(.abandoned(Abandoned(session: session, stream: stream)))
    }

    package mutating func upgraded(_ session: SessionID, at now: NIODeadline) -> SessionAction {
        guard self.sessions[session] != nil else { return .ignored(reason: "no such session") }
        self.sessions[session]?.becomeUpgraded()
        self.settleBehind(at: now)
        return .send(.upgraded(Upgraded(session: session)))
    }
}

extension DefineApp {
    /// Bytes of type and payload, as limits count them.
    package var wireSize: Int {
        self.settings.entries.reduce(13 + self.groupName.utf8.count) { size, entry in
            size + 8 + entry.name.utf8.count + entry.value.utf8.count
        }
    }
}
