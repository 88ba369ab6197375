// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// As whom, where and with which interpreter an app runs: what commands about it are made of.
struct AppShell: Hashable, Sendable {
    /// Nil: not decided.
    let identity: RunningIdentity?
    let appRoot: String
    /// As it was typed.
    let interpreter: String
    let type: AppType?

    /// `command` as the app's user, with that user's home; as it is when the daemon changes no users.
    func asUser(_ command: ShellLine) -> ShellLine {
        guard let identity, identity.isSwitched else { return command }
        return "sudo -u \(identity.userName) -H \(command)"
    }

    /// `command`, a list for a shell, in the app root and as the app's user.
    func inAppRoot(_ command: ShellLine) -> ShellLine {
        let list: ShellLine = "cd \(appRoot) && \(command)"
        guard let identity, identity.isSwitched else { return list }
        return asUser("sh -c \(script: list)")
    }

    /// Below the app root, unless it is absolute.
    func absolute(_ path: String) -> String { path.utf8.first == UInt8(ascii: "/") ? path : "\(appRoot)/\(path)" }

    /// Lets the interpreter read a source file without running it; nil for programs that have none.
    func check(_ file: String) -> ShellLine? {
        let path = absolute(file)
        return switch type {
        case .rack, .classicRails: asUser("\(interpreter) -wc \(path)")
        // Without leaving a compiled file behind.
        case .wsgi, .asgi:
            asUser("\(interpreter) -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' \(path)")
        case .node: asUser("\(interpreter) --check \(path)")
        case .generic, nil: nil
        }
    }
}

extension AppShell {
    /// Nil as long as nobody knows what is to be run.
    init?(_ context: StartContext) {
        guard let program = context.program, let interpreter = program.arguments.first else { return nil }
        self.init(
            identity: context.identity,
            appRoot: program.appRoot,
            interpreter: interpreter,
            type: AppType(rawValue: program.kind)
        )
    }
}
