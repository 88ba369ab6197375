// SPDX-License-Identifier: MIT

import ShownText
package import WireProtocol

/// The text that `--show=pool` prints.
///
/// Its layout is fixed: scripts scrape it.
package struct PoolText {
    package var isVerbose: Bool
    package var colours: Colours
    /// Makes `YYYY-MM-DD HH:MM:SS ±ZZZZ` of microseconds since the epoch.
    package var date: (Int64) -> String

    package init(isVerbose: Bool, colours: Colours = .none, date: @escaping (Int64) -> String) {
        self.isVerbose = isVerbose
        self.colours = colours
        self.date = date
    }

    package func render(_ report: StatusReport) -> String {
        var lines = [
            self.colours.heading("----------- General information -----------"),
            "Max pool size : \(report.maxPoolSize)",
            "Processes     : \(report.processCount)",
            "Requests in top-level queue : \(report.topLevelQueue)",
            "",
        ]
        if report.groups.isEmpty {
            lines.append(Self.remark(hiddenGroups: report.hiddenGroups))
        } else {
            lines.append(self.colours.heading("----------- Application groups -----------"))
            for (index, group) in report.groups.enumerated() {
                if index > 0 { lines.append("") }
                lines += self.lines(of: group)
            }
            if report.hiddenGroups > 0 {
                lines += ["", "\(Self.applications(report.hiddenGroups)) of other users not shown; run this as root."]
            }
            if let omitted = report.omittedGroups {
                lines += ["", "\(Self.applications(omitted)) not shown, because the list would be too long."]
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func remark(hiddenGroups: Int) -> String {
        hiddenGroups == 0
            ? "No application is being served."
            : "\(self.applications(hiddenGroups)) of other users not shown; run this as root."
    }

    private static func applications(_ count: Int) -> String {
        count == 1 ? "1 application" : "\(count) applications"
    }

    private func lines(of group: GroupReport) -> [String] {
        var lines = [
            self.colours.name("\(SafeText.line(group.name))#default:"),
            "  App root: \(SafeText.line(group.appRoot))",
        ]
        if let seconds = group.quarantinedSeconds {
            lines += [
                "  IN QUARANTINE for \(TextColumns.duration(seconds: seconds)): looking at this application or starting it ended "
                    + "the daemon's core.",
                "    The daemon's log says more. To serve it at once: passenger-status --lift-quarantine "
                    + ShellWord.quoted(SafeText.line(group.name)),
            ]
        }
        if self.isVerbose { lines += self.verboseLines(of: group) }
        lines += Self.standing(of: group)
        lines.append("  Requests in queue: \(group.queue)")
        if let waiting = group.topLevelQueue, waiting > 0 {
            lines.append("  (the pool is full: \(waiting) of the requests in the top-level queue)")
        }
        if self.isVerbose {
            lines += group.queuedRequests.map { request in
                "    \(SafeText.line(request.method)) \(SafeText.line(request.path))"
                    + " (waiting \(request.waitingMilliseconds) ms)"
            }
        }
        if let leases = group.leases {
            if leases.held > 0 { lines.append("  Leased sessions: \(leases.held)") }
            if self.isVerbose {
                lines.append(
                    "  Leases: \(leases.granted) granted, \(leases.reused) requests without asking, \(leases.recalled) recalled, "
                        + "\(leases.duplicates) duplicates; \(leases.abandoned) abandoned sessions"
                )
            }
        }
        if group.isRestarting { lines.append("  (restarting...)") }
        if group.processesBeingSpawned > 0 {
            lines.append("  (spawning \(group.processesBeingSpawned) new process(es)...)")
        }
        if let wait = group.nextStartMilliseconds {
            let seconds = TextColumns.duration(seconds: (wait + 999) / 1000)
            lines.append("  (its processes end young, so the next start waits for \(seconds))")
        }
        for process in group.processes { lines += self.lines(of: process) }
        return lines + Self.sharing(of: group)
    }

    /// What a preloader costs and saves; nothing where there is none.
    private static func sharing(of group: GroupReport) -> [String] {
        var lines: [String] = []
        if let preloader = group.preloader {
            let own = preloader.memory?.ownKilobytes.map { "\($0 / 1024)M" } ?? "?"
            let uptime = TextColumns.duration(seconds: preloader.uptimeSeconds)
            // One that came of a process says so.
            let generation = preloader.generation.flatMap { $0 > 0 ? "   Generation: \($0)" : nil } ?? ""
            lines.append("  Preloader: PID \(preloader.pid)   Memory: \(own)   Uptime: \(uptime)\(generation)")
        }
        if let memory = group.memory, let saved = memory.savedKilobytes {
            let percent = memory.savedPercent.map { " (\($0)%)" } ?? ""
            let sum = saved > 0 ? "\(saved / 1024)M saved by sharing\(percent)" : "nothing saved by sharing yet"
            lines.append("  Memory in all: \(memory.usedKilobytes / 1024)M, \(sum)")
        }
        return lines
    }

    /// Why an app without processes has none: what is down must not look like what is idle.
    private static func standing(of group: GroupReport) -> [String] {
        if let error = group.lastError { return lines(of: error) }
        let isIdle = group.processes.isEmpty && group.processesBeingSpawned == 0 && (group.topLevelQueue ?? 0) == 0
        return isIdle && group.quarantinedSeconds == nil ? ["  (no process; starts with its next request)"] : []
    }

    private static func lines(of error: SpawnErrorReport) -> [String] {
        let what = error.kind == "crash" ? "LAST PROCESS ENDED BY ITSELF" : "LAST START FAILED"
        let age = error.ageSeconds.map { " \(TextColumns.duration(seconds: $0)) ago" } ?? ""
        let row = error.failuresInARow.flatMap { $0 > 1 ? " (\($0) in a row)" : nil } ?? ""
        let id = error.id.isEmpty ? "" : ", error \(SafeText.line(error.id))"
        let next =
            switch error.nextTryMilliseconds {
            case .some(let wait) where wait > 0: "next try in \(TextColumns.duration(seconds: (wait + 999) / 1000))"
            default: "next try with its next request"
            }
        let details = error.detailsFile.map { "; details: \(SafeText.line($0))" } ?? ""
        return ["  \(what)\(age)\(row)\(id): \(SafeText.line(error.summary))", "    \(next)\(details)"]
    }

    private func verboseLines(of group: GroupReport) -> [String] {
        var lines: [String] = []
        if let user = group.user {
            let ids = [group.uid.map { "uid \($0)" }, group.gid.map { "gid \($0)" }].compactMap(\.self)
            let idText = ids.isEmpty ? "" : " (\(ids.joined(separator: ", ")))"
            lines.append("  User: \(SafeText.line(user))\(idText)")
            if let reason = group.userReason { lines.append("  \(SafeText.line(reason))") }
        } else {
            let isUntried = group.lastError == nil
            let reason = isUntried ? "before the first start" : "as the start did not get so far"
            lines.append("  User: not known \(reason)")
        }
        let type = group.appType.map { SafeText.line($0) } ?? "not known"
        lines.append("  App type: \(type), environment \(SafeText.line(group.environment))")
        lines.append("  Restart generation: \(group.generation)")
        if let error = group.lastError {
            let age = error.ageSeconds.map { ", \(TextColumns.duration(seconds: $0)) ago" } ?? ""
            let time = error.time.map { ", \(self.date($0))" } ?? ""
            let id = error.id.isEmpty ? "no error ID" : "error ID \(SafeText.line(error.id))"
            lines.append("  Last error: \(SafeText.line(error.summary)) (\(id)\(age)\(time))")
            if let file = error.detailsFile { lines.append("  Details: \(SafeText.line(file))") }
        }
        return lines
    }

    private func lines(of process: ProcessReport) -> [String] {
        let pid = TextColumns.leftJustified("\(process.pid)", 5)
        let sessions = TextColumns.leftJustified("\(process.sessions)", 2)
        let processed = TextColumns.leftJustified("\(process.processed)", 5)
        let uptime = TextColumns.duration(seconds: process.uptimeSeconds)
        let cpu = TextColumns.leftJustified(process.cpuPercent.map { "\($0)%" } ?? "?", 5)
        let memory = TextColumns.leftJustified(process.memoryKilobytes.map { "\($0 / 1024)M" } ?? "?", 5)
        let lastUsed = TextColumns.duration(seconds: process.lastUsedSeconds)
        var lines = [
            "  * PID: \(pid)   Sessions: \(sessions)      Processed: \(processed)   Uptime: \(uptime)",
            "    CPU: \(cpu)   Memory  : \(memory)   Last used: \(lastUsed) ago",
        ]
        switch process.state {
        case .enabled: break
        case .disabling: lines.append("    Disabling...")
        case .disabled: lines.append("    DISABLED")
        case .shuttingDown: lines.append("    Shutting down...")
        }
        if self.isVerbose {
            lines.append(
                "    Spawned: \(self.date(process.spawnedAt))   Generation: \(process.generation)"
                    + "   Concurrency: \(process.concurrency == 0 ? "unlimited" : "\(process.concurrency)")"
            )
            if let shared = process.memory?.sharedKilobytes, let part = process.memory?.proportionalKilobytes {
                lines.append("    Shared memory: \(shared / 1024)M   Proportional: \(part / 1024)M")
            }
            if let age = process.memoryAgeSeconds {
                lines.append("    Memory read \(TextColumns.duration(seconds: age)) ago")
            }
        }
        return lines
    }
}
