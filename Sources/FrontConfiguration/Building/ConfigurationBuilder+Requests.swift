// SPDX-License-Identifier: MIT

import AppSettings

extension ConfigurationBuilder {
    /// Applies a directive that may stand in `http`, `server` and `location` and is inherited inwards.
    mutating func apply(
        _ directive: Directive,
        to scope: inout Scope,
        in context: DirectiveContext,
        seen: inout Set<String>
    ) {
        if applySetting(directive, to: &scope, in: context, seen: &seen) { return }
        guard check(directive, in: context, seen: &seen) else { return }
        let arguments = directive.arguments
        switch directive.name {
        case "root":
            scope.files = .root(Paths.trimmed(absolute(arguments[0])))
            scope.filesPlace = directive.location
        case "alias": applyAlias(directive, to: &scope)
        case "index": scope.route.index = arguments
        case "return": scope.route.returns = returnAction(directive)
        case "add_header": applyAddHeader(directive, to: &scope)
        case "access_log": applyAccessLog(directive, to: &scope)
        case "types": applyTypes(directive, to: &scope)
        case "default_type": scope.defaultType = arguments[0]
        case "client_max_body_size":
            guard let size = value(of: directive, { () throws(ValueError) in try ValueParsers.size(arguments[0]) })
            else {
                return
            }
            scope.route.clientMaxBodySize = size
        case "client_body_timeout": if let time = duration(of: directive) { scope.route.clientBodyTimeout = time }
        case "send_timeout": if let time = duration(of: directive) { scope.route.sendTimeout = time }
        case "keepalive_timeout": if let time = duration(of: directive) { scope.route.keepaliveTimeout = time }
        case "set_real_ip_from", "passenger_trusted_proxies": applyTrustedNetworks(directive, to: &scope)
        case "passenger_set_header": applySetHeader(directive, to: &scope)
        case "real_ip_header": applyRealIPHeader(directive, to: &scope)
        case "real_ip_recursive":
            if let flag = value(of: directive, { () throws(ValueError) in try ValueParsers.flag(arguments[0]) }) {
                scope.route.realIPRecursive = flag
            }
        case "error_log":
            let reason = "all servers share one log"
            warnOnce(directive.name, directive.location.warning("\"error_log\" has no effect here, because \(reason)"))
        case "client_header_timeout", "server_tokens":
            warnOnce(
                directive.name,
                directive.location.warning("\"\(directive.name)\" has an effect in http only")
            )
        default: break
        }
    }

    /// `$1` at the end stands for what follows the prefix in the known form of a regular expression.
    private mutating func applyAlias(_ directive: Directive, to scope: inout Scope) {
        var path = directive.arguments[0]
        if path.hasSuffix("$1") { path.removeLast(2) }
        guard !path.contains("$") else {
            report(directive.location.error("\"alias\": variables are not supported in paths"))
            return
        }
        scope.files = .alias(Paths.trimmed(absolute(path)))
        scope.filesPlace = directive.location
    }

    private mutating func applyAddHeader(_ directive: Directive, to scope: inout Scope) {
        if scope.startsAnew("add_header") { scope.route.addHeaders = [] }
        let arguments = directive.arguments
        guard arguments.count == 2 || arguments[2] == "always" else {
            report(directive.location.error("\"add_header\": the third argument can only be \"always\""))
            return
        }
        guard Self.isHeaderName(arguments[0]) else {
            report(directive.location.error("\"add_header\": \"\(arguments[0])\" is no header name"))
            return
        }
        guard !arguments[1].utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
            report(directive.location.error("\"add_header\": the value contains a control character"))
            return
        }
        guard
            let text = value(
                of: directive,
                { () throws(ValueError) in try VariableText(parsing: arguments[1]) }
            )
        else { return }
        scope.route.addHeaders.append(AddedHeader(name: arguments[0], value: text, isAlways: arguments.count == 3))
    }

    /// As in nginx, the first of a block replaces those of the blocks around it.
    private mutating func applyTrustedNetworks(_ directive: Directive, to scope: inout Scope) {
        if scope.startsAnew("set_real_ip_from") { scope.route.trustedNetworks = [] }
        for text in directive.arguments {
            if let network = value(of: directive, { () throws(ValueError) in try IPNetwork(parsing: text) }) {
                scope.route.trustedNetworks.append(network)
            }
        }
    }

    /// Names that decide where a message ends or whom it is for stay out of reach.
    private static let fixedHeaders: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "keep-alive", "expect",
    ]

    private mutating func applySetHeader(_ directive: Directive, to scope: inout Scope) {
        if scope.startsAnew(directive.name) { scope.route.setHeaders = [] }
        let (name, text) = (directive.arguments[0], directive.arguments[1])
        let isPlain = !name.utf8.contains { "!#$%&'*+.^_`|~".utf8.contains($0) }
        guard isPlain, Self.isHeaderName(name) else {
            let reason = "apps cannot get a header \"\(name)\": only letters, digits and dashes are passed on"
            report(directive.location.error("\"\(directive.name)\": \(reason)"))
            return
        }
        guard !Self.fixedHeaders.contains(name.lowercased()) else {
            report(directive.location.error("\"\(directive.name)\": \"\(name)\" cannot be set"))
            return
        }
        guard !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
            report(directive.location.error("\"\(directive.name)\": the value contains a control character"))
            return
        }
        if let value = value(of: directive, { () throws(ValueError) in try VariableText(parsing: text) }) {
            scope.route.setHeaders.append(AddedHeader(name: name, value: value, isAlways: true))
        }
    }

    private mutating func applyRealIPHeader(_ directive: Directive, to scope: inout Scope) {
        let name = directive.arguments[0]
        guard name != "proxy_protocol" else {
            report(directive.location.error("\"real_ip_header\": the PROXY protocol is not supported; name a header"))
            return
        }
        guard Self.isHeaderName(name) else {
            report(directive.location.error("\"real_ip_header\": \"\(name)\" is no header name"))
            return
        }
        scope.route.realIPHeader = name.lowercased()
    }

    /// RFC 9110 §5.6.2: a token.
    private static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// `return CODE`, `return CODE TEXT`, `return CODE URL` or `return URL`.
    private mutating func returnAction(_ directive: Directive) -> ReturnAction? {
        let arguments = directive.arguments
        guard let status = Int(arguments[0]) else {
            guard arguments.count == 1, Self.looksLikeURL(arguments[0]) else {
                report(directive.location.error("\"return\": \"\(arguments[0])\" is no status code"))
                return nil
            }
            return value(of: directive) { () throws(ValueError) in
                ReturnAction(status: 302, text: try VariableText(parsing: arguments[0]), isRedirect: true)
            }
        }
        // 444 is nginx's way to close without an answer.
        guard (200...599).contains(status) else {
            report(directive.location.error("\"return\": \(status) is no status code from 200 to 599"))
            return nil
        }
        guard arguments.count == 2 else { return ReturnAction(status: status, text: nil, isRedirect: false) }
        return value(of: directive) { () throws(ValueError) in
            let text = try VariableText(parsing: arguments[1])
            return ReturnAction(status: status, text: text, isRedirect: [301, 302, 303, 307, 308].contains(status))
        }
    }

    private static func looksLikeURL(_ text: String) -> Bool {
        text.hasPrefix("http://") || text.hasPrefix("https://") || text.hasPrefix("$scheme")
            || text.utf8.first == UInt8(ascii: "/")
    }

    private mutating func applyTypes(_ directive: Directive, to scope: inout Scope) {
        if scope.startsAnew("types") { scope.types = nil }
        var types = scope.types ?? [:]
        for line in directive.block ?? [] {
            guard line.block == nil, !line.arguments.isEmpty else {
                report(line.location.error("\"types\" holds lines of the form: TYPE EXTENSION…;"))
                continue
            }
            for fileExtension in line.arguments { types[fileExtension.lowercased()] = line.name }
        }
        scope.types = types
    }
}
