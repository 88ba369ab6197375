// SPDX-License-Identifier: MIT

import AppSettings

extension FrontModel {
    /// What is in force, for people: the text of `--dump-config`.
    package var dump: String {
        var lines = ["fly_with \(flyWith ?? "-")"]
        lines.append("user \(user ?? "-")\(userGroup.map { " \($0)" } ?? "")")
        lines.append("error_log \(errorLog ?? "stderr")\(errorLogLevel.map { " \($0.rawValue)" } ?? "")")
        if let pidFile { lines.append("pid \(pidFile)") }
        for listen in listens { lines.append("listen \(listen.address)") }
        for server in servers {
            let names = server.names.isEmpty ? "-" : server.names.joined(separator: " ")
            lines.append("")
            lines.append("server \(names) on \(server.listens.map(\.description).joined(separator: " "))")
            for mount in server.mounts { lines += dump(mount) }
        }
        for app in apps {
            lines.append("")
            lines.append("app \(app.groupName)")
            lines += app.settings.description.split(separator: "\n").map { "    \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func dump(_ mount: ServerModel.Mount) -> [String] {
        let route = mount.route
        var lines = ["    location \(mount.match == .exact ? "= " : "")\(mount.path)"]
        if let action = route.returns { lines.append("        return \(action.status)") }
        if let app = route.app { lines.append("        app \(app.groupName)") }
        if !route.baseURI.isEmpty { lines.append("        base_uri \(route.baseURI)") }
        if let root = route.documentRoot { lines.append("        files \(root)") }
        if let index = route.accessLog, accessLogs.indices.contains(index) {
            lines.append("        access_log \(accessLogs[index].path)")
        }
        return lines
    }
}
