// SPDX-License-Identifier: MIT

import AppSettings

extension ConfigurationBuilder {
    /// What stands behind the file in `access_log`.
    private struct AccessLogParameters {
        var bufferBytes: Int?
        var flushTime: Duration?
        var condition: VariableText?
    }

    /// `access_log FILE [FORMAT] [buffer=SIZE] [flush=TIME] [if=CONDITION]` or `access_log off`.
    mutating func applyAccessLog(_ directive: Directive, to scope: inout Scope) {
        let arguments = directive.arguments
        guard arguments[0] != "off" else {
            guard arguments.count == 1 else {
                return report(directive.location.error("\"access_log off\" takes nothing else"))
            }
            scope.route.accessLog = nil
            scope.route.accessLogCondition = nil
            return
        }
        guard let path = logTarget(of: directive) else { return }
        var parameters = AccessLogParameters()
        for (index, text) in arguments.enumerated().dropFirst() {
            guard apply(text, at: index, of: directive, to: &parameters) else { return }
        }
        let log = AccessLogModel(
            path: path,
            bufferBytes: parameters.bufferBytes,
            flushTime: parameters.flushTime
        )
        scope.route.accessLog = index(of: log, directive)
        scope.route.accessLogCondition = parameters.condition
    }

    /// False if it was complained about.
    private mutating func apply(
        _ parameter: String,
        at index: Int,
        of directive: Directive,
        to parameters: inout AccessLogParameters
    ) -> Bool {
        let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count) {
        case ("buffer", 2):
            parameters.bufferBytes = value(of: directive) { () throws(ValueError) in
                let size = try ValueParsers.size(parts[1])
                guard (1...Self.maxLogBuffer).contains(size) else { throw ValueError("the buffer is from 1 to 16m") }
                return size
            }
            return parameters.bufferBytes != nil
        case ("flush", 2):
            parameters.flushTime = value(of: directive) { () throws(ValueError) in try ValueParsers.duration(parts[1]) }
            return parameters.flushTime != nil
        case ("if", 2):
            parameters.condition = value(of: directive) { () throws(ValueError) in
                guard !parts[1].isEmpty else { throw ValueError("the condition is missing") }
                return try VariableText(parsing: parts[1])
            }
            return parameters.condition != nil
        case ("gzip", _):
            report(directive.location.error("\"access_log\": logs are not compressed here; let logrotate do that"))
            return false
        case (_, 1) where index == 1:
            guard parameter != "combined" else { return true }
            let text = "\"access_log\": the format is always combined with pid, queue time, app time, host and error ID"
            warnOnce("access_log format", directive.location.warning(text))
            return true
        default:
            report(directive.location.error("\"access_log\": unknown parameter \"\(parameter)\""))
            return false
        }
    }

    private static let maxLogBuffer = 16 << 20

    /// Places that name a file share it, with one set of parameters.
    private mutating func index(of log: AccessLogModel, _ directive: Directive) -> Int {
        guard let index = accessLogs.firstIndex(where: { $0.path.isExactly(log.path) }) else {
            accessLogs.append(log)
            return accessLogs.count - 1
        }
        if accessLogs[index] != log {
            let text = "\"access_log\": \(log.path) is given elsewhere with another buffer= or flush="
            report(directive.location.error(text))
        }
        return index
    }
}
