// SPDX-License-Identifier: MIT

import AppSettings

extension ConfigurationBuilder {
    /// Applies a `passenger_…` directive; false if there is no such setting.
    mutating func applySetting(
        _ directive: Directive,
        to scope: inout Scope,
        in context: DirectiveContext,
        seen: inout Set<String>
    ) -> Bool {
        guard let definition = Self.setting(of: directive) else { return false }
        guard directive.block == nil else {
            report(directive.location.error("\"\(directive.name)\" takes no block"))
            return true
        }
        guard warnIfWithoutEffect(definition, directive) else { return true }
        if definition.scope == .global, context != .http {
            report(directive.location.error("\"\(directive.name)\" is not allowed here; it belongs in http"))
            return true
        }
        guard let text = argument(of: directive, kind: definition.kind) else { return true }
        let isList = Self.listSettings.contains(definition.name)
        guard isList || seen.insert("passenger_\(definition.name)").inserted else {
            report(directive.location.error("\"\(directive.name)\" is given twice in this block"))
            return true
        }
        guard checkValue(text, of: definition, directive) else { return true }
        if definition.scope == .global {
            applyGlobal(definition, directive)
        } else {
            store(Scope.Value(text: text, location: directive.location), definition, in: &scope)
        }
        return true
    }

    /// Settings that may be given several times in one block.
    private static let listSettings: Set<String> = [
        SettingName.environmentVariable, SettingName.baseURI, "pre_start", "set_cgi_param", "pass_header",
        "ignore_headers", "vary_turbocache_by_cookie", "ctl",
    ]

    /// Whether the setting can have an effect at all; if not it was warned about.
    private mutating func warnIfWithoutEffect(_ definition: SettingDefinition, _ directive: Directive) -> Bool {
        let name = directive.name
        switch definition.flying {
        case .daemonFlag(let flag):
            let text = "\"\(name)\" has no effect here: it belongs to the daemon; start flying-passenger with \(flag)"
            warnOnce(name, directive.location.warning(text))
            return false
        case .ignored(let reason):
            warnOnce(name, directive.location.warning("\"\(name)\" has no effect: \(reason)"))
            return false
        case .pushed, .frontOnly: break
        }
        guard definition.rank == .later else { return true }
        warnOnce(name, directive.location.warning("\"\(name)\" is known but has no effect in this version"))
        return true
    }

    /// The value as one text: `NAME=VALUE` where the directive takes a name and a value.
    private mutating func argument(of directive: Directive, kind: SettingKind) -> String? {
        let wanted = kind == .nameAndValue ? 2 : 1
        guard directive.arguments.count == wanted else {
            let count = directive.arguments.count
            let text =
                "\"\(directive.name)\" takes \(wanted == 1 ? "one argument" : "a name and a value"), not \(count)"
            report(directive.location.error(text))
            return nil
        }
        guard kind != .nameAndValue || !directive.arguments[0].contains("=") else {
            report(directive.location.error("\"\(directive.name)\": the name contains \"=\""))
            return nil
        }
        return directive.arguments.joined(separator: "=")
    }

    private mutating func checkValue(
        _ text: String,
        of definition: SettingDefinition,
        _ directive: Directive
    ) -> Bool {
        let checked = definition.kind == .absolutePath ? absolute(text) : text
        do throws(ValueError) {
            _ = try definition.kind.normalized(checked)
            return true
        } catch {
            let shown = definition.kind == .nameAndValue ? directive.arguments[0] : text
            report(directive.location.error("\"\(directive.name) \(shown)\": \(error.reason)"))
            return false
        }
    }

    private func store(_ value: Scope.Value, _ definition: SettingDefinition, in scope: inout Scope) {
        switch definition.name {
        case SettingName.environmentVariable:
            scope.variables[ExactText(Substring(value.text.utf8.prefix { $0 != UInt8(ascii: "=") }))] = value
        case SettingName.baseURI:
            if scope.startsAnew(SettingName.baseURI) { scope.baseURIs = [] }
            scope.baseURIs.append(Scope.Value(text: Paths.trimmed(value.text), location: value.location))
        default:
            let isPath = definition.kind == .absolutePath
            let text = isPath ? Paths.trimmed(absolute(value.text)) : value.text
            scope.settings[definition.name] = Scope.Value(text: text, location: value.location)
        }
    }
}
