// SPDX-License-Identifier: MIT

/// The payload of an admin request: `{"command": "status"}`, `{"command": "lift_quarantine", "group": "/srv/app"}`,
/// `{"command": "apps", "skip": 0}`, `{"command": "request_oob_work", "pid": 4711}`.
package struct AdminCommand: Codable, Hashable, Sendable {
    package static let status = AdminCommand(name: "status")
    package static let ping = AdminCommand(name: "ping")

    package var name: String
    /// The group that it is about.
    package var group: String?
    /// So many of the things that it asks for are known already.
    package var skip: Int?
    /// The process that it is about.
    package var pid: Int32?

    package init(name: String, group: String? = nil, skip: Int? = nil, pid: Int32? = nil) {
        self.name = name
        self.group = group
        self.skip = skip
        self.pid = pid
    }

    /// What fronts have declared, after the first so many apps.
    package static func apps(after count: Int) -> AdminCommand { AdminCommand(name: self.appsName, skip: count) }

    /// Has a group served again that was put into quarantine.
    package static func liftQuarantine(of group: String) -> AdminCommand {
        AdminCommand(name: self.liftQuarantineName, group: group)
    }

    /// Has a process do its out-of-band work as soon as it can be spared.
    package static func requestOutOfBandWork(of pid: Int32) -> AdminCommand {
        AdminCommand(name: self.requestOutOfBandWorkName, pid: pid)
    }

    package static let requestOutOfBandWorkName = "request_oob_work"
    package static let liftQuarantineName = "lift_quarantine"
    package static let appsName = "apps"

    enum CodingKeys: String, CodingKey {
        case name = "command"
        case group, skip, pid
    }
}

/// The payload of an admin response: exactly one of its members is set.
package struct AdminAnswer: Codable, Hashable, Sendable {
    /// Answers `status`.
    package var status: StatusReport?
    /// Answers `apps`.
    package var apps: AppsReport?
    /// Answers commands that have nothing to tell.
    package var done: Bool?
    package var error: AdminError?

    package init(
        status: StatusReport? = nil,
        apps: AppsReport? = nil,
        done: Bool? = nil,
        error: AdminError? = nil
    ) {
        self.status = status
        self.apps = apps
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
        /// There is none, or none that the asker may control: nobody learns which.
        case noSuchProcess = "no_such_process"
        /// What is asked for can never be done as things are.
        case refused
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
