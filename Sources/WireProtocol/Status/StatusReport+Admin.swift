// SPDX-License-Identifier: MIT

/// The payload of an admin request: `{"command": "status"}`, `{"command": "lift_quarantine", "group": "/srv/app"}`.
package struct AdminCommand: Codable, Hashable, Sendable {
    package static let status = AdminCommand(name: "status")
    package static let ping = AdminCommand(name: "ping")

    package var name: String
    /// The group that it is about.
    package var group: String?

    package init(name: String, group: String? = nil) {
        self.name = name
        self.group = group
    }

    /// Has a group served again that was put into quarantine.
    package static func liftQuarantine(of group: String) -> AdminCommand {
        AdminCommand(name: self.liftQuarantineName, group: group)
    }

    package static let liftQuarantineName = "lift_quarantine"

    enum CodingKeys: String, CodingKey {
        case name = "command"
        case group
    }
}

/// The payload of an admin response: exactly one of its members is set.
package struct AdminAnswer: Codable, Hashable, Sendable {
    /// Answers `status`.
    package var status: StatusReport?
    /// Answers commands that have nothing to tell.
    package var done: Bool?
    package var error: AdminError?

    package init(status: StatusReport? = nil, done: Bool? = nil, error: AdminError? = nil) {
        self.status = status
        self.done = done
        self.error = error
    }
}

/// Why an admin request was not carried out.
package struct AdminError: Codable, Hashable, Sendable, Error, CustomStringConvertible {
    package enum Kind: String, Codable, Sendable {
        case malformed
        case unknownCommand = "unknown_command"
        case notPermitted = "not_permitted"
        case failed
    }

    package var kind: Kind
    package var message: String

    package init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { self.message }
}
