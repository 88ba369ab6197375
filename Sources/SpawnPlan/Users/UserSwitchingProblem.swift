// SPDX-License-Identifier: MIT

import ShownText

/// Why no user could be found for an app.
package enum UserSwitchingProblem: Error, Hashable, Sendable {
    case daemonHasNoAccount(uid: UInt32)
    case noDefaultUser(String)
    case noDefaultGroup(String)
    case belowMinUID(user: String, uid: UInt32, limit: UInt32, cause: String)
    case notAllowed(user: String, cause: String)
    /// `passenger_user` names no account: running as somebody else would hide a typing error.
    case unknownUser(String)
    /// `passenger_group` names no group.
    case unknownGroup(String)
    case databaseUnavailable(UserDatabaseProblem)
}

extension UserSwitchingProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .daemonHasNoAccount(let uid):
            "the daemon runs with uid \(uid), which has no account, so apps cannot run as its user"
        case .noDefaultUser(let name):
            "no user for lowering privilege could be determined: the default user \(name) is no account, or it is root"
        case .noDefaultGroup(let name):
            "no group for lowering privilege could be determined: the default group (\(name)) does not exist, or it is root's"
        case .belowMinUID(let user, let uid, let limit, let cause):
            "the app would run as \(user) because \(cause), but uid \(uid) is below --min-uid (\(limit))"
        case .notAllowed(let user, let cause):
            "the app would run as \(user) because \(cause), but --allowed-users does not name that user"
        case .unknownUser(let name):
            "passenger_user is \(name), which is not an account of this machine"
        case .unknownGroup(let name):
            "passenger_group is \(name), which is not a group of this machine"
        case .databaseUnavailable(let problem):
            "the account database could not be asked, so nobody knows as whom the app is to run: \(problem.reason)"
        }
    }

    package var cause: SpawnFailure.Cause {
        SpawnFailure.Cause(category, .noUser, description, remedies: remedies)
    }

    private var category: SpawnFailure.Category {
        switch self {
        case .daemonHasNoAccount, .noDefaultUser, .noDefaultGroup, .belowMinUID, .notAllowed, .unknownUser,
            .unknownGroup:
            .configuration
        case .databaseUnavailable: .operatingSystem
        }
    }

    private var remedies: [Remedy] {
        switch self {
        case .daemonHasNoAccount: ["Start the daemon as a user that exists, or as root."]
        case .noDefaultUser: ["Start the daemon with --default-user=NAME, an existing user other than root."]
        case .noDefaultGroup: ["Start the daemon with --default-group=NAME, an existing group other than root's."]
        case .belowMinUID: ["Give the startup file to another user, set passenger_user, or lower --min-uid."]
        case .notAllowed: ["Give the startup file to another user, set passenger_user, or extend --allowed-users."]
        case .unknownUser(let name):
            [
                Remedy(
                    "Correct passenger_user in the configuration of the front, or make the account; to look for it:",
                    shell: "getent passwd \(name)"
                )
            ]
        case .unknownGroup(let name):
            [
                Remedy(
                    "Correct passenger_group in the configuration of the front, or make the group; to look for it:",
                    shell: "getent group \(name)"
                )
            ]
        case .databaseUnavailable:
            [
                Remedy(
                    "Look whether the account database answers, and try again; open files are limited by LimitNOFILE= or ulimit -n:",
                    shell: "getent passwd"
                )
            ]
        }
    }
}
