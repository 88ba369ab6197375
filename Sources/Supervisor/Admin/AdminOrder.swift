// SPDX-License-Identifier: MIT

import WireProtocol

/// What a tool asks for, read at once: the request itself is not kept until it is answered.
enum AdminOrder: Hashable, Sendable {
    case status
    /// Have a group served again, if the asker may.
    case liftQuarantine(of: String)
    /// Have the process with this PID do its out-of-band work, if the asker may.
    case requestOutOfBandWork(of: Int32)
    /// What fronts have declared, after the first so many apps.
    case apps(after: Int)
    /// There is nothing to do but to say so.
    case nothing
    /// It is not understood.
    case refuse(AdminError)

    /// Bytes of an unknown command's name that the answer repeats.
    private static let shownNameBytes = 64

    init(_ json: some Sequence<UInt8>) {
        let command: AdminCommand
        do throws(AdminError) {
            command = try AdminCommand(json: json)
        } catch {
            self = .refuse(error)
            return
        }
        if command.name == AdminCommand.liftQuarantineName {
            self = .liftQuarantine(of: command.group ?? "")
            return
        }
        if command.name == AdminCommand.requestOutOfBandWorkName {
            // No process has this one.
            self = .requestOutOfBandWork(of: command.pid ?? 0)
            return
        }
        if command.name == AdminCommand.appsName {
            self = .apps(after: max(0, command.skip ?? 0))
            return
        }
        switch command {
        case .status: self = .status
        case .ping: self = .nothing
        default:
            let name = command.name.clamped(toUTF8: Self.shownNameBytes)
            let message = "This daemon (\(Product.nameAndVersion)) does not know the command '\(name)'."
            self = .refuse(AdminError(kind: .unknownCommand, message: message))
        }
    }
}
