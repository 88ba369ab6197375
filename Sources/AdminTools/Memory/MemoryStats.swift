// SPDX-License-Identifier: MIT

package import LinuxSystem
package import WireProtocol

/// The memory of all that has to do with one daemon; kilobytes.
///
/// Its JSON (`passenger-memory-stats --json`) is part of the outside contract: keys are added, never changed.
package struct MemoryStats: Codable, Hashable, Sendable {
    package struct ProcessRow: Codable, Hashable, Sendable {
        package var pid: Int32
        package var parent: Int32?
        package var name: String
        package var virtual: Int
        /// nil if it could not be read, and so below.
        package var own: Int?
        package var shared: Int?

        enum CodingKeys: String, CodingKey {
            case pid, name, virtual, shared
            case parent = "ppid"
            case own = "private"
        }
    }

    /// A family of servers that has processes.
    package struct Servers: Codable, Hashable, Sendable {
        package var family: ServerFamily
        package var processes: [ProcessRow]
    }

    package struct App: Codable, Hashable, Sendable {
        package var name: String
        /// Without its preloader.
        package var processes: Int
        package var hasPreloader: Bool
        /// nil if not all of it could be read.
        package var memory: MemorySumReport?

        enum CodingKeys: String, CodingKey {
            case name, processes, memory
            case hasPreloader = "preloader"
        }
    }

    /// Of the daemon.
    package var version: String
    package var servers: [Servers]
    /// The daemon's own and those of its applications.
    package var processes: [ProcessRow]
    package var apps: [App]
    /// Applications of other users than the asker.
    package var hiddenApps: Int

    enum CodingKeys: String, CodingKey {
        case version, servers, processes, apps
        case hiddenApps = "hidden_apps"
    }

    /// What all applications save together.
    var savedKilobytes: Int { self.apps.compactMap(\.memory?.savedKilobytes).clampedSum }

    var usedKilobytes: Int { self.apps.compactMap(\.memory?.usedKilobytes).clampedSum }
}

extension [Int] {
    /// What a daemon says is not ours: too much of it is the most there is.
    var clampedSum: Int {
        self.reduce(0) { sum, value in
            let (next, overflow) = sum.addingReportingOverflow(value)
            return overflow ? (value < 0 ? .min : .max) : next
        }
    }
}

extension MemoryStats {
    /// `look` reads the memory of a process that is no application's.
    package init(
        _ report: StatusReport,
        servers: [ServerProcess],
        trusting uids: Set<UInt32>,
        families: [ServerFamily],
        look: (Int32) -> MemoryUse?
    ) {
        func row(_ process: ServerProcess, parent: Int32? = nil, name: String) -> ProcessRow {
            let use = look(process.pid)
            return ProcessRow(
                pid: process.pid,
                parent: parent,
                name: name,
                virtual: process.virtualBytes.kilobytes,
                own: use?.privateBytes.kilobytes,
                shared: use?.sharedBytes.kilobytes
            )
        }
        self.version = report.version
        self.servers = families.compactMap { family in
            let members = family.members(of: servers, trusting: uids)
            guard !members.isEmpty else { return nil }
            return Servers(family: family, processes: members.map { row($0, parent: $0.parent, name: $0.title) })
        }
        let daemon = [(report.watchdogPID, "Passenger watchdog"), (report.corePID, "Passenger core")]
        self.processes =
            daemon.compactMap { pid, name in servers.first { $0.pid == pid }.map { row($0, name: name) } }
            + report.groups.flatMap(Self.rows)
        self.apps = report.groups.filter { !$0.processes.isEmpty || $0.preloader != nil }.map { group in
            App(
                name: group.name,
                processes: group.processes.count,
                hasPreloader: group.preloader != nil,
                memory: group.memory
            )
        }
        self.hiddenApps = report.hiddenGroups
    }

    /// Named as the loaders name them; what the processes call themselves is theirs to say.
    private static func rows(of group: GroupReport) -> [ProcessRow] {
        let title =
            switch group.appType {
            case "rack": "RackApp"
            case "wsgi": "WsgiApp"
            case "asgi": "AsgiApp"
            case "node": "NodeApp"
            default: "App"
            }
        let preloader = group.preloader.map { ($0.pid, $0.memory, "AppPreloader") }
        let workers = group.processes.map { ($0.pid, $0.memory, title) }
        return ([preloader].compactMap(\.self) + workers).map { pid, memory, title in
            ProcessRow(
                pid: pid,
                name: "Passenger \(title): \(group.name)",
                virtual: memory?.virtualKilobytes ?? 0,
                own: memory?.ownKilobytes,
                shared: memory?.sharedKilobytes
            )
        }
    }
}

extension StatusReport {
    /// The daemon has read the memory of every process that it shows.
    var isMeasured: Bool {
        self.groups.allSatisfy { group in
            group.processes.allSatisfy { $0.memory?.ownKilobytes != nil }
                && (group.preloader == nil || group.preloader?.memory?.ownKilobytes != nil)
        }
    }
}

extension ServerProcess {
    private static let titleLength = 200

    /// Its command line, which nginx and Apache use to say what a process is for.
    fileprivate var title: String {
        let words = ProcInfo.arguments(of: self.pid).filter { !$0.isEmpty }
        return words.isEmpty ? self.command : String(words.joined(separator: " ").prefix(Self.titleLength))
    }
}

extension UInt64 {
    /// Of bytes.
    fileprivate var kilobytes: Int { Int(clamping: self / 1024) }
}
