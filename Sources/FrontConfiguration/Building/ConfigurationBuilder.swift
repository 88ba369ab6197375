// SPDX-License-Identifier: MIT

import AppSettings

/// Makes a model of directives; collects everything there is to complain about on the way.
struct ConfigurationBuilder {
    let files: any ConfigurationFiles
    /// Folder that relative paths begin at.
    let baseDirectory: String
    private(set) var diagnostics: [Diagnostic] = []
    /// Values that exist once; servers and apps come in at the end.
    var globals = FrontModel()
    var servers = ServerRegistry()
    var apps = AppRegistry()
    var accessLogs: [AccessLogModel] = []
    /// What `passenger_show_version_in_header` and `server_tokens` say.
    var versionInHeader: Bool?
    var serverTokens: Bool?
    private var subjects: [MachineSubject] = []
    private var reported: Set<Diagnostic> = []
    private var warnedNames: Set<String> = []

    init(files: any ConfigurationFiles, baseDirectory: String) {
        self.files = files
        self.baseDirectory = baseDirectory
    }

    /// Reads the top levels of the configuration's files, in their order.
    mutating func build(_ topLevels: [[Directive]]) -> FrontModel {
        var mainSeen: Set<String> = []
        var content: [Directive] = []
        for directives in topLevels {
            let hasHTTP = directives.contains { $0.name == "http" }
            for directive in directives {
                switch directive.name {
                case "http": if check(directive, in: .main, seen: &mainSeen) { content += directive.block ?? [] }
                case "events": if check(directive, in: .main, seen: &mainSeen) { applyEvents(directive.block ?? []) }
                default:
                    let isMain = DirectiveTable.rule(for: directive.name)?.contexts.contains(.main) ?? false
                    if isMain || hasHTTP {
                        applyMain(directive, seen: &mainSeen)
                    } else {
                        content.append(directive)
                    }
                }
            }
        }
        applyHTTP(content)
        return finish()
    }

    /// Each thing once: what a server says is looked at for each of its locations.
    mutating func report(_ diagnostic: Diagnostic) {
        if reported.insert(diagnostic).inserted { diagnostics.append(diagnostic) }
    }

    /// Reports a warning unless one was given for the same name before.
    mutating func warnOnce(_ name: String, _ diagnostic: @autoclosure () -> Diagnostic) {
        guard warnedNames.insert(name).inserted else { return }
        report(diagnostic())
    }

    /// Keeps something for the check before the start; each thing once, with all apps that do not start without it.
    mutating func note(_ kind: MachineSubject.Kind, at place: SourceLocation, neededBy app: FrontApp? = nil) {
        let apps: Set<Int> = app.map { [$0.id] } ?? []
        if let index = subjects.firstIndex(where: { $0.kind == kind }) {
            subjects[index].apps.formUnion(apps)
        } else {
            subjects.append(MachineSubject(kind, at: place, apps: apps))
        }
    }

    /// Evaluates a value and reports what is wrong with it.
    mutating func value<T>(of directive: Directive, _ body: () throws(ValueError) -> T) -> T? {
        do throws(ValueError) {
            return try body()
        } catch {
            let arguments = directive.arguments.joined(separator: " ")
            report(directive.location.error("\"\(directive.name) \(arguments)\": \(error.reason)"))
            return nil
        }
    }

    func absolute(_ path: String) -> String { Paths.absolute(path, below: baseDirectory) }

    /// Whether a directive is known, stands where it may, has the right number of arguments and is the first of its kind.
    mutating func check(_ directive: Directive, in context: DirectiveContext, seen: inout Set<String>) -> Bool {
        let name = directive.name
        guard let rule = DirectiveTable.rule(for: name) else {
            let hint = DirectiveTable.suggestion(for: name).map { "; did you mean \"\($0)\"?" } ?? ""
            report(directive.location.error("unknown directive \"\(name)\"\(hint)"))
            return false
        }
        switch rule.treatment {
        case .handled: break
        case .ignored(let reason):
            warnOnce(name, directive.location.warning("\"\(name)\" has no effect here, because \(reason)"))
            return false
        case .unsupported(let reason, let harmless):
            guard !harmless.contains(directive.arguments.joined(separator: " ")) else { return false }
            report(directive.location.error("\"\(name)\" cannot be used: \(reason)"))
            return false
        }
        guard let problem = Self.problem(with: directive, rule: rule, in: context) else {
            guard seen.insert(name).inserted || rule.mayRepeat else {
                report(directive.location.error("\"\(name)\" is given twice in this block"))
                return false
            }
            return true
        }
        report(directive.location.error(problem))
        return false
    }

    private static func problem(
        with directive: Directive,
        rule: DirectiveRule,
        in context: DirectiveContext
    ) -> String? {
        let name = directive.name
        guard rule.contexts.contains(context) else {
            return "\"\(name)\" is not allowed here; it belongs in \(rule.contexts.names)"
        }
        guard rule.hasBlock == (directive.block != nil) else {
            return rule.hasBlock ? "\"\(name)\" needs a block { … }" : "\"\(name)\" takes no block"
        }
        guard rule.arguments.contains(directive.arguments.count) else {
            return "\"\(name)\" has the wrong number of arguments (\(directive.arguments.count))"
        }
        return nil
    }

    private mutating func finish() -> FrontModel {
        var model = servers.model(apps: apps.all)
        model.flyWith = globals.flyWith
        model.user = globals.user
        model.userGroup = globals.userGroup
        model.errorLog = globals.errorLog
        model.errorLogLevel = globals.errorLogLevel
        model.pidFile = globals.pidFile
        model.threads = globals.threads
        model.workerConnections = globals.workerConnections
        model.workerOpenFiles = globals.workerOpenFiles
        model.accessLogs = accessLogs
        model.subjects = subjects
        model.trustedUsers = globals.trustedUsers
        model.clientHeaderTimeout = globals.clientHeaderTimeout
        model.keepaliveTimeout = globals.keepaliveTimeout
        model.showVersionInHeader = globals.showVersionInHeader
        model.dataBufferDirectory = globals.dataBufferDirectory
        model.responseBufferHighWatermark = globals.responseBufferHighWatermark
        return model
    }
}
