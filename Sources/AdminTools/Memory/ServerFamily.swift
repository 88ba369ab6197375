// SPDX-License-Identifier: MIT

import LinuxSystem

/// Programs that stand between clients and the daemon.
package enum ServerFamily: String, CaseIterable, Codable, Sendable {
    case front = "front-proxy"
    case apache
    case nginx

    var title: String {
        switch self {
        case .front: "Front"
        case .apache: "Apache"
        case .nginx: "Nginx"
        }
    }

    /// Names of their programs, as the kernel keeps them.
    private var commands: Set<String> {
        switch self {
        case .front: ["front-proxy"]
        case .apache: ["apache2", "httpd"]
        case .nginx: ["nginx"]
        }
    }

    /// Those of the machine's processes that belong to the family, by PID.
    ///
    /// Anybody may give a process any name: so they are those of the given users, and what these started with the same name.
    func members(of processes: [ServerProcess], trusting uids: Set<UInt32>) -> [ServerProcess] {
        let named = processes.filter { self.commands.contains($0.command) }
        var members = Set(named.filter { uids.contains($0.uid) }.map(\.pid))
        while let next = named.first(where: { !members.contains($0.pid) && members.contains($0.parent) }) {
            members.insert(next.pid)
        }
        return named.filter { members.contains($0.pid) }.sorted { $0.pid < $1.pid }
    }
}

/// What tells whether a process is a server that belongs to a family.
package struct ServerProcess: Hashable, Sendable {
    package let pid: Int32
    package let parent: Int32
    package let uid: UInt32
    /// As the kernel keeps it, which the process may have changed.
    package let command: String
    package let virtualBytes: UInt64

    /// All processes of the machine that this one may see.
    static func all() -> [ServerProcess] {
        ProcInfo.all().compactMap { pid in
            guard let process = ProcInfo(pid: pid), !process.isZombie, let uid = ProcInfo.uid(of: pid) else {
                return nil
            }
            return ServerProcess(
                pid: pid,
                parent: process.parent,
                uid: uid,
                command: process.command,
                virtualBytes: process.virtualBytes
            )
        }
    }
}
