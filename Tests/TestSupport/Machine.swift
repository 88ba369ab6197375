// SPDX-License-Identifier: MIT

package import LinuxSystem

/// Facts about the machine, for the conditions of tests.
package enum Machine {
    package static let isRoot = CurrentProcess.isRoot

    /// Whether a program is on the PATH or in a directory of system programs.
    package static func has(_ program: String) -> Bool { path(of: program) != nil }

    /// Where a program is, if it is there.
    package static func path(of program: String) -> String? {
        let path = CurrentProcess.environment("PATH") ?? ""
        let directories = path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin"]
        return directories.map { "\($0)/\(program)" }.first { Files.isExecutable($0) }
    }

    /// Whether root here may make namespaces of its own (a container may forbid it).
    package static let canUnshare: Bool = {
        guard isRoot, has("unshare"), has("ip") else { return false }
        let arguments = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
        // A machine that cannot even start it cannot make namespaces either.
        return (try? Shell.run(arguments).status.isSuccess) ?? false
    }()

    /// Whether processes here can have control groups of their own.
    package static let hasControlGroups: Bool = {
        guard let own = ControlGroupPlace.own(), Files.isWritable("\(own.path)/cgroup.procs") else { return false }
        let probe = own.child("fp-probe-\(RandomBytes.hexadecimal(6))")
        // Who may not make one has none.
        guard (try? probe.make()) != nil else { return false }
        return probe.removeTree()
    }()

    /// Whether the kernel keeps descriptors from sockets that want none (Linux 6.16).
    package static let canRefuseDescriptors: Bool = {
        guard let pair = try? SocketPair.make() else { return false }
        return DescriptorPassing.refuse(on: pair.firstEnd)
    }()

    /// Accounts that own nothing important, for applications; never the one of the front.
    package static let appUsers: [UserAccount] = ["games", "news", "mail", "lp", "uucp", "backup", "list", "irc"]
        .compactMap { try? Accounts.user(named: $0) }
}
