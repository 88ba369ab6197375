// SPDX-License-Identifier: MIT

import ShownText
package import WireProtocol

/// The text of `passenger-status --show=server`: the fronts that are connected.
package struct ServerText {
    package init() {}

    package func render(_ report: StatusReport) -> String {
        var lines = [
            "----------- Daemon -----------",
            "Instance : \(SafeText.line(report.instance))",
            "Socket   : \(SafeText.line(report.socketPath))",
            "PIDs     : \(report.watchdogPID) (watchdog), \(report.corePID) (core)",
            "",
        ]
        lines += self.connections(of: report)
        if let budgets = report.budgets { lines += self.lines(of: budgets) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func connections(of report: StatusReport) -> [String] {
        guard !report.connections.isEmpty else { return ["No front is connected."] }
        var lines: [String] = []
        lines.append("----------- Connections of fronts -----------")
        for connection in report.connections {
            let pid = TextColumns.leftJustified("\(connection.pid)", 7)
            let uid = TextColumns.leftJustified("\(connection.uid)", 7)
            let sessions = TextColumns.leftJustified("\(connection.sessions)", 5)
            lines.append("\(SafeText.line(connection.front)):")
            lines.append(
                "  * PID: \(pid) UID: \(uid) Sessions: \(sessions) Waiting: \(connection.waitingCheckouts)"
                    + "   Settings: \(SafeText.line(connection.authority))"
            )
        }
        return lines
    }

    /// What users share, and how often somebody had to do without or to wait since the core started.
    private func lines(of budgets: [BudgetReport]) -> [String] {
        let width = (budgets.map(\.name.count).max() ?? 0) + 1
        return ["", "----------- Shared among users -----------"]
            + budgets.map { budget in
                let limit = budget.limit.map { " of \($0)" } ?? ""
                let used = budget.used.map { "in use \($0)\(limit), " } ?? ""
                let name = TextColumns.leftJustified(SafeText.line(budget.name), width)
                return "\(name): \(used)refused or delayed \(budget.refused)"
            }
    }
}
