// SPDX-License-Identifier: MIT

import AppSettings

extension ConfigurationBuilder {
    /// A location with the scope inside it.
    private struct Location {
        let pattern: LocationPattern
        let scope: Scope
        let place: SourceLocation
    }

    mutating func applyServer(_ directive: Directive, inside http: Scope) {
        var scope = http.inner()
        var seen: Set<String> = []
        var names: [String] = []
        var listens: [ServerRegistry.Listening] = []
        var nested: [Directive] = []
        for inner in directive.block ?? [] {
            switch inner.name {
            case "listen":
                guard check(inner, in: .server, seen: &seen), let listening = listen(inner) else { break }
                listens.append(listening)
            case "server_name": if check(inner, in: .server, seen: &seen) { names += serverNames(inner) }
            case "location": if check(inner, in: .server, seen: &seen) { nested.append(inner) }
            default: apply(inner, to: &scope, in: .server, seen: &seen)
            }
        }
        if listens.isEmpty {
            let address = ListenAddress.tcp(host: "0.0.0.0", port: 80)
            listens = [ServerRegistry.Listening(address: address, place: directive.location)]
        }
        // A `return` of the server answers before any location is looked at.
        if scope.route.returns != nil { nested = [] }
        let locations = nested.flatMap { self.locations($0, inside: scope, outer: nil) }
        let mounts = self.mounts(of: locations, server: scope, place: directive.location)
        servers.add(names: names, listens: listens, mounts: mounts)
    }

    private mutating func listen(_ directive: Directive) -> ServerRegistry.Listening? {
        let address = value(of: directive) { () throws(ValueError) in try ListenAddress(directive.arguments[0]) }
        guard let address else { return nil }
        note(.listen(address), at: directive.location)
        var listening = ServerRegistry.Listening(address: address, place: directive.location)
        for option in directive.arguments.dropFirst() {
            switch option {
            case "default_server", "default": listening.isDefault = true
            case "ssl", "http2", "quic":
                let reason = "\(option) is not supported yet; let TLS end in front of this program"
                report(directive.location.error("\"listen\": \(reason)"))
            case "proxy_protocol": report(directive.location.error("\"listen\": \(option) is not supported yet"))
            case _ where option.hasPrefix("backlog="):
                listening.backlog = value(of: directive) { () throws(ValueError) in
                    try ValueParsers.integer(String(option.dropFirst("backlog=".count)), in: 1...65_535)
                }
            case "reuseport", "deferred", "bind", "ipv6only=on":
                warnOnce("listen \(option)", directive.location.warning("\"listen\": \(option) has no effect"))
            case _ where Self.socketOptions.contains(where: option.hasPrefix):
                warnOnce("listen \(option)", directive.location.warning("\"listen\": \(option) has no effect"))
            default: report(directive.location.error("\"listen\": unknown parameter \"\(option)\""))
            }
        }
        return listening
    }

    private static let socketOptions = ["rcvbuf=", "sndbuf=", "so_keepalive=", "fastopen=", "accept_filter="]

    private mutating func serverNames(_ directive: Directive) -> [String] {
        directive.arguments.flatMap { name -> [String] in
            let lower = name.lowercased()
            let isPlain = !lower.dropFirst(lower.hasPrefix("*.") ? 1 : 0).contains("*") && !lower.hasPrefix("~")
            guard isPlain else {
                let text = "\"server_name \(name)\": only whole names and *.suffix are supported"
                report(directive.location.error(text))
                return []
            }
            // `.example.org` is the name itself and everything below it.
            return lower.hasPrefix(".") && lower.count > 1 ? [String(lower.dropFirst()), "*\(lower)"] : [lower]
        }
    }

    /// A location and those inside it, each with what it inherits.
    private mutating func locations(_ directive: Directive, inside outer: Scope, outer path: String?) -> [Location] {
        let pattern = value(of: directive) { () throws(ValueError) in
            try LocationPattern(arguments: directive.arguments)
        }
        var scope = outer.inner()
        var seen: Set<String> = []
        var nested: [Directive] = []
        for inner in directive.block ?? [] {
            if inner.name == "location" {
                if check(inner, in: .location, seen: &seen) { nested.append(inner) }
            } else {
                apply(inner, to: &scope, in: .location, seen: &seen)
            }
        }
        guard let pattern else { return [] }
        if let path, !pattern.path.hasPrefix(path) {
            report(directive.location.error("location \"\(pattern.path)\" is outside of location \"\(path)\""))
            return []
        }
        let own = Location(pattern: pattern, scope: scope, place: directive.location)
        return [own] + nested.flatMap { locations($0, inside: scope, outer: pattern.path) }
    }

    private mutating func mounts(
        of locations: [Location],
        server scope: Scope,
        place: SourceLocation
    ) -> [ServerModel.Mount] {
        var seen: Set<String> = []
        for location in locations {
            let key = location.pattern.match == .exact ? "=\(location.pattern.path)" : location.pattern.path
            guard !seen.insert(key).inserted else { continue }
            report(location.place.error("location \"\(location.pattern.path)\" is given twice in this server"))
        }
        var all = locations
        if !seen.contains("/") {
            // What no location holds is handled as the server says.
            guard let everything = try? LocationPattern(arguments: ["/"]) else { return [] }
            all.append(Location(pattern: everything, scope: scope, place: place))
        }
        let prefixes = all.filter { $0.pattern.match != .exact }.map(\.pattern.path)
        return all.flatMap { mounts(of: $0, prefixes: prefixes) }
    }

    /// The mount of a location, and one per base URI below it that no other location holds.
    private mutating func mounts(of location: Location, prefixes: [String]) -> [ServerModel.Mount] {
        let path = location.pattern.path
        let bases = location.scope.baseURIs.map(\.text).filter { $0 != "/" }
        let whole = Paths.trimmed(path)
        let covering = bases.filter { Paths.isPath(whole, atOrBelow: $0) }.max { $0.utf8.count < $1.utf8.count }
        var mounts: [ServerModel.Mount] = []
        let isOutside = covering == nil && !bases.isEmpty
        let route = route(location.scope, path: path, base: covering ?? "", isOutsideOfBases: isOutside)
        if covering == whole, location.pattern.match != .exact {
            mounts.append(ServerModel.Mount(path: whole, match: .component, route: route))
        } else {
            mounts.append(ServerModel.Mount(path: path, match: location.pattern.match, route: route))
        }
        guard location.pattern.match != .exact else { return mounts }
        for base in Set(bases).sorted() where base != covering && base.hasPrefix(path) {
            let isElsewhere = prefixes.contains { $0.utf8.count > path.utf8.count && base.hasPrefix($0) }
            guard !isElsewhere else { continue }
            let route = self.route(location.scope, path: path, base: base, isOutsideOfBases: false)
            mounts.append(ServerModel.Mount(path: base, match: .component, route: route))
        }
        return mounts
    }
}
