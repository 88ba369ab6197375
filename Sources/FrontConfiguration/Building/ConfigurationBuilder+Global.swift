// SPDX-License-Identifier: MIT

import AppSettings

extension ConfigurationBuilder {
    mutating func applyMain(_ directive: Directive, seen: inout Set<String>) {
        guard Self.setting(of: directive) == nil else {
            report(directive.location.error("\"\(directive.name)\" is not allowed here; it belongs in http"))
            return
        }
        guard check(directive, in: .main, seen: &seen) else { return }
        let arguments = directive.arguments
        switch directive.name {
        case "user":
            globals.user = arguments[0]
            globals.userGroup = arguments.count > 1 ? arguments[1] : nil
        case "pid": globals.pidFile = absolute(arguments[0])
        case "error_log": applyErrorLog(directive)
        case "worker_processes":
            guard arguments[0] != "auto" else { return }
            globals.threads = count(of: directive, in: 1...1024)
        case "worker_rlimit_nofile":
            globals.workerOpenFiles = count(of: directive, in: 64...Int(Int32.max))
            if let count = globals.workerOpenFiles { note(.openFiles(count), at: directive.location) }
        default: break
        }
    }

    mutating func applyEvents(_ content: [Directive]) {
        var seen: Set<String> = []
        for directive in content where check(directive, in: .events, seen: &seen) {
            switch directive.name {
            case "worker_connections": globals.workerConnections = count(of: directive, in: 1...Int(Int32.max))
            default: break
            }
        }
    }

    private mutating func count(of directive: Directive, in range: ClosedRange<Int>) -> Int? {
        value(of: directive) { () throws(ValueError) in
            try ValueParsers.integer(directive.arguments[0], in: range)
        }
    }

    /// `error_log FILE [LEVEL]`.
    private mutating func applyErrorLog(_ directive: Directive) {
        guard let target = logTarget(of: directive) else { return }
        globals.errorLog = target == "/dev/stderr" ? nil : target
        guard directive.arguments.count > 1 else { return }
        let word = directive.arguments[1]
        if let level = ErrorLogLevel(rawValue: word) {
            globals.errorLogLevel = level
        } else {
            let levels = ErrorLogLevel.allCases.map(\.rawValue).joined(separator: ", ")
            report(directive.location.error("\"error_log\": there is no level \"\(word)\", only \(levels)"))
        }
    }

    /// The file that a directive for a log names, as an absolute path; `stderr` is `/dev/stderr`.
    mutating func logTarget(of directive: Directive) -> String? {
        let (name, target) = (directive.name, directive.arguments[0])
        func refuse(_ reason: String) -> Diagnostic { directive.location.error("\"\(name) \(target)\": \(reason)") }
        if target == "stderr" { return "/dev/stderr" }
        if target.hasPrefix("syslog:") {
            report(
                refuse("syslog is not supported; log to a file, or to stderr, which systemd passes on to its journal")
            )
        } else if target.hasPrefix("memory:") {
            report(refuse("a log in memory is not supported; log to a file or to stderr"))
        } else if target.contains("$") {
            report(refuse("variables are not supported in the path of a log"))
        } else if target == "off" || target.isEmpty {
            report(refuse("this log cannot be switched off; \"/dev/null crit\" says least"))
        } else {
            let path = absolute(target)
            if !path.utf8.starts(with: "/dev/".utf8) { note(.log(path), at: directive.location) }
            return path
        }
        return nil
    }

    mutating func applyHTTP(_ content: [Directive]) {
        var scope = Scope()
        var seen: Set<String> = []
        var serverDirectives: [Directive] = []
        for directive in content {
            switch directive.name {
            case "server" where check(directive, in: .http, seen: &seen): serverDirectives.append(directive)
            case "server": break
            case "error_log": if check(directive, in: .http, seen: &seen) { applyErrorLog(directive) }
            case "server_tokens":
                if check(directive, in: .http, seen: &seen) { applyServerTokens(directive) }
            case "passenger_trusted_users":
                if check(directive, in: .http, seen: &seen) { globals.trustedUsers = directive.arguments }
            case "client_header_timeout":
                guard check(directive, in: .http, seen: &seen), let timeout = duration(of: directive) else { break }
                globals.clientHeaderTimeout = timeout
            default: apply(directive, to: &scope, in: .http, seen: &seen)
            }
        }
        if let shows = versionInHeader ?? serverTokens { globals.showVersionInHeader = shows }
        globals.keepaliveTimeout = scope.route.keepaliveTimeout
        for directive in serverDirectives { applyServer(directive, inside: scope) }
        for diagnostic in servers.conflicts() { report(diagnostic) }
    }

    /// Says the same as `passenger_show_version_in_header`, which wins.
    private mutating func applyServerTokens(_ directive: Directive) {
        switch directive.arguments[0] {
        case "on", "build": serverTokens = true
        case "off", "": serverTokens = false
        default: report(directive.location.error("\"server_tokens\" is \"on\", \"off\" or \"build\""))
        }
    }

    mutating func duration(of directive: Directive) -> Duration? {
        value(of: directive) { () throws(ValueError) in try ValueParsers.duration(directive.arguments[0]) }
    }

    /// The setting that a directive sets, whatever its context.
    static func setting(of directive: Directive) -> SettingDefinition? {
        guard directive.name.hasPrefix("passenger_") else { return SettingCatalog.bare(directive.name) }
        return SettingCatalog.named(String(directive.name.dropFirst("passenger_".count)))
    }

    /// Applies a setting that exists once for the whole front.
    mutating func applyGlobal(_ definition: SettingDefinition, _ directive: Directive) {
        let text = directive.arguments[0]
        switch definition.name {
        case "fly_with": globals.flyWith = absolute(text)
        case "data_buffer_dir": globals.dataBufferDirectory = absolute(text)
        case "show_version_in_header":
            guard let flag = value(of: directive, { () throws(ValueError) in try ValueParsers.flag(text) }) else {
                return
            }
            versionInHeader = flag
        case "response_buffer_high_watermark":
            guard let size = value(of: directive, { () throws(ValueError) in try ValueParsers.size(text) }) else {
                return
            }
            globals.responseBufferHighWatermark = size
        default: break
        }
    }
}
