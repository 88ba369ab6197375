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
            globals.threads = value(of: directive) { () throws(ValueError) in
                try ValueParsers.integer(arguments[0], in: 1...1024)
            }
        default: break
        }
    }

    mutating func applyErrorLog(_ directive: Directive) {
        globals.errorLog = directive.arguments[0] == "stderr" ? nil : absolute(directive.arguments[0])
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
            case "passenger_trusted_users":
                if check(directive, in: .http, seen: &seen) { globals.trustedUsers = directive.arguments }
            case "client_header_timeout":
                guard check(directive, in: .http, seen: &seen), let timeout = duration(of: directive) else { break }
                globals.clientHeaderTimeout = timeout
            default: apply(directive, to: &scope, in: .http, seen: &seen)
            }
        }
        globals.keepaliveTimeout = scope.route.keepaliveTimeout
        for directive in serverDirectives { applyServer(directive, inside: scope) }
        for diagnostic in servers.conflicts() { report(diagnostic) }
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
            globals.showVersionInHeader = flag
        case "response_buffer_high_watermark":
            guard let size = value(of: directive, { () throws(ValueError) in try ValueParsers.size(text) }) else {
                return
            }
            globals.responseBufferHighWatermark = size
        default: break
        }
    }
}
