// SPDX-License-Identifier: MIT

import ShownText
package import WireProtocol

/// The text that `--show=requests` prints: what every process works on, and what waits for one.
package struct RequestsText {
    package init() {}

    package func render(_ report: StatusReport) -> String {
        let groups = report.groups.map(self.lines).filter { !$0.isEmpty }
        var lines = groups.isEmpty ? ["No request is running or waiting."] : Array(groups.joined(separator: [""]))
        if report.hiddenGroups > 0 {
            let count = report.hiddenGroups == 1 ? "1 application" : "\(report.hiddenGroups) applications"
            lines += ["", "\(count) of other users not shown; run this as root."]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func lines(of group: GroupReport) -> [String] {
        let running = group.processes.flatMap(self.lines)
        let waiting = group.queuedRequests.map { request in
            "  waiting  \(Self.age(request.waitingMilliseconds))  \(Self.text(request.method, nil, request.path))"
        }
        guard !running.isEmpty || !waiting.isEmpty else { return [] }
        return ["\(SafeText.line(group.name)):"] + running + waiting
    }

    private func lines(of process: ProcessReport) -> [String] {
        let requests = process.requests ?? []
        let lines = requests.map { request in
            "  PID \(process.pid)  \(Self.age(request.ageMilliseconds))  "
                + Self.text(request.method, request.host, request.path)
        }
        guard process.sessions > requests.count else { return lines }
        return lines + ["  PID \(process.pid)  and \(process.sessions - requests.count) more"]
    }

    /// A tenth of a second is what tells a slow request from a quick one.
    private static func age(_ milliseconds: Int) -> String {
        "\(milliseconds / 1000).\(milliseconds / 100 % 10) s"
    }

    private static func text(_ method: String, _ host: String?, _ path: String) -> String {
        let host = host.flatMap { $0.isEmpty ? nil : SafeText.line($0) + " " } ?? ""
        return "\(SafeText.line(method)) \(host)\(SafeText.line(path))"
    }
}
