// SPDX-License-Identifier: MIT

import ShownText
import WireProtocol

/// The text that `passenger-memory-stats` prints.
///
/// Scripts scrape it: values are "12.3 MB", feet begin with "###".
package struct MemoryText {
    package var colours: Colours
    /// Makes `YYYY-MM-DD HH:MM:SS ±ZZZZ` of microseconds since the epoch.
    package var date: (Int64) -> String

    package init(colours: Colours = .none, date: @escaping (Int64) -> String) {
        self.colours = colours
        self.date = date
    }

    private static let unknown = "?"

    package func render(_ stats: MemoryStats, at time: Int64) -> String {
        var sections = [["Version: \(SafeText.line(stats.version))", "Date   : \(self.date(time))"]]
        sections += stats.servers.map { self.section("\($0.family.title) processes", $0.processes, withParents: true) }
        sections.append(self.section("Passenger processes", stats.processes, withParents: false))
        sections.append(self.applications(stats))
        let unread = (stats.servers.flatMap(\.processes) + stats.processes).count(where: { $0.own == nil })
        if unread > 0 {
            let what = unread == 1 ? "1 process" : "\(unread) processes"
            sections.append(["*** The memory of \(what) could not be read; run this as root."])
        }
        return sections.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private func section(_ title: String, _ processes: [MemoryStats.ProcessRow], withParents: Bool) -> [String] {
        let headings = ["PID"] + (withParents ? ["PPID"] : []) + ["VMSize", "Private", "Shared", "Name"]
        let rows = processes.map { process in
            var cells = [String(process.pid)]
            if withParents { cells.append(process.parent.map { String($0) } ?? Self.unknown) }
            cells += [process.virtual, process.own, process.shared].map(Self.megabytes)
            return cells + [SafeText.line(process.name)]
        }
        let mark = processes.contains { $0.own == nil } ? " (?)" : ""
        let total = processes.compactMap(\.own).clampedSum
        return self.table(title, headings, rows) + [
            "### Processes: \(processes.count)", "### Total private dirty RSS: \(Self.megabytes(total))\(mark)",
        ]
    }

    private func applications(_ stats: MemoryStats) -> [String] {
        let others =
            switch stats.hiddenApps {
            case 0: [String]()
            case 1: ["1 application of other users not shown; run this as root."]
            case let count: ["\(count) applications of other users not shown; run this as root."]
            }
        guard !stats.apps.isEmpty else { return ["No application has a process."] + others }
        let rows = stats.apps.map { app in
            [
                "\(app.processes)" + (app.hasPreloader ? " + preloader" : ""), Self.megabytes(app.memory?.ownKilobytes),
                Self.megabytes(app.memory?.usedKilobytes), Self.saved(by: app.memory), SafeText.line(app.name),
            ]
        }
        let total = MemorySumReport(own: 0, used: stats.usedKilobytes, saved: stats.savedKilobytes)
        let mark = stats.apps.contains { $0.memory == nil } ? " (?)" : ""
        return self.table("Applications", ["Processes", "Private", "Used", "Saved", "Name"], rows)
            + ["### Saved by sharing: \(Self.saved(by: total))\(mark)"] + others
    }

    /// "148.2 MB (41%)"; a dash where nothing is shared on purpose.
    private static func saved(by memory: MemorySumReport?) -> String {
        guard let memory else { return self.unknown }
        guard let saved = memory.savedKilobytes else { return "-" }
        return self.megabytes(saved) + (memory.savedPercent.map { " (\($0)%)" } ?? "")
    }

    private func table(_ title: String, _ headings: [String], _ rows: [[String]]) -> [String] {
        let widths = headings.indices.map { column in
            ([headings] + rows).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let last = cells.count - 1
            return zip(cells, widths).enumerated().map { column, cell in
                column == last ? cell.0 : TextColumns.leftJustified(cell.0, cell.1)
            }.joined(separator: "  ")
        }
        let heading = line(headings)
        return [self.colours.heading("----------- \(title) -----------"), heading]
            + [String(repeating: "-", count: heading.count)] + rows.map(line)
    }

    /// "12.3 MB".
    private static func megabytes(_ kilobytes: Int?) -> String {
        guard let kilobytes else { return self.unknown }
        let tenths = (min(kilobytes.magnitude, UInt.max / 16) * 10 + 512) / 1024
        return "\(kilobytes < 0 && tenths > 0 ? "-" : "")\(tenths / 10).\(tenths % 10) MB"
    }
}
