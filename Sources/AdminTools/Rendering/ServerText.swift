// SPDX-License-Identifier: MIT

import ShownText
package import WireProtocol

/// The text of `passenger-status --show=server`: the fronts that are connected.
package struct ServerText {
    package init() {}

    package func render(_ report: StatusReport) -> String {
        var lines = [
            "----------- Daemon -----------",
            "Instance : \(report.instance)",
            "Socket   : \(SafeText.line(report.socketPath))",
            "PIDs     : \(report.watchdogPID) (watchdog), \(report.corePID) (core)",
            "",
        ]
        guard !report.connections.isEmpty else {
            return (lines + ["No front is connected."]).joined(separator: "\n") + "\n"
        }
        lines.append("----------- Connections of fronts -----------")
        for connection in report.connections {
            let pid = TextColumns.leftJustified("\(connection.pid)", 7)
            let uid = TextColumns.leftJustified("\(connection.uid)", 7)
            let sessions = TextColumns.leftJustified("\(connection.sessions)", 5)
            lines.append("\(SafeText.line(connection.front)):")
            lines.append(
                "  * PID: \(pid) UID: \(uid) Sessions: \(sessions) Waiting: \(connection.waitingCheckouts)"
                    + "   Settings: \(connection.authority)"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
