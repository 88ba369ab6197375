// SPDX-License-Identifier: MIT

import AppSettings

extension ConfigurationBuilder {
    /// The route of a location (`path`), or of a base URI below it; `base` is empty at the root.
    ///
    /// `isOutsideOfBases` says that the scope names base URIs, but none for this path.
    mutating func route(_ scope: Scope, path: String, base: String, isOutsideOfBases: Bool) -> RouteModel {
        var values = scope.route
        values.baseURI = base
        values.mimeTypes = mimeTypes(scope)
        applyRequestSettings(scope, to: &values)
        let isEnabled = scope.flag("enabled") ?? false
        let appRoot = isEnabled ? appRoot(scope, base: base) : nil
        placeFiles(scope, path: path, base: base, appRoot: appRoot, in: &values)
        let named = [scope.files.directory, scope.text("document_root")]
        if let root = values.documentRoot, named.contains(where: { $0?.isExactly(root) == true }),
            let place = scope.settings["document_root"]?.location ?? scope.filesPlace
        {
            note(.documentRoot(root), at: place)
        }
        // An explicit app root together with base URIs means: at these and nowhere else.
        guard isEnabled, !(isOutsideOfBases && scope.settings[SettingName.appRoot] != nil) else {
            return RouteModel(values)
        }
        if let appRoot {
            // Links in a document root that is no public directory of an app: there is an app behind each of them, and none above.
            if isOutsideOfBases, !mayHoldApp(scope, appRoot) { return RouteModel(values) }
            values.app = app(scope, appRoot: appRoot, base: base, isOutsideOfBases: isOutsideOfBases)
        } else if let place = scope.settings["enabled"]?.location {
            report(place.error("\"passenger_enabled on\" needs \"root\" or \"passenger_app_root\""))
        }
        return RouteModel(values)
    }

    /// The configured root, else the parent of the public directory.
    private func appRoot(_ scope: Scope, base: String) -> String? {
        if let configured = scope.text(SettingName.appRoot) { return configured }
        if let documentRoot = scope.text("document_root") { return Paths.parent(of: documentRoot) }
        guard let directory = scope.files.directory else { return nil }
        guard case .root = scope.files, !base.isEmpty else { return Paths.parent(of: directory) }
        let entry = directory + base
        return Paths.parent(of: linkTarget(of: entry) ?? entry)
    }

    /// Whether an app could be started there; false if this process can look into the directory and sees no startup file in it.
    private func mayHoldApp(_ scope: Scope, _ appRoot: String) -> Bool {
        guard scope.text(SettingName.appStartCommand) == nil else { return true }
        guard isThere(Paths.join(appRoot, ".")) else { return true }
        let names = scope.text(SettingName.startupFile).map { [$0] } ?? AppType.startupFiles.map(\.name)
        return names.contains { isThere(Paths.absolute($0, below: appRoot)) }
    }

    private func isThere(_ path: String) -> Bool { !files.paths(matching: Paths.escapedForMatching(path)).isEmpty }

    /// What a link in a document root says, made absolute; one level only, so that `current` stays a link.
    private func linkTarget(of path: String) -> String? {
        files.linkTarget(of: path).map { Paths.absolute($0, below: Paths.parent(of: path)) }
    }

    private func placeFiles(
        _ scope: Scope,
        path: String,
        base: String,
        appRoot: String?,
        in values: inout RouteModel.Values
    ) {
        if let configured = scope.text("document_root") {
            values.documentRoot = configured
            values.stripPrefix = base
            return
        }
        let configuredRoot = appRoot == nil ? nil : scope.text(SettingName.appRoot)
        switch scope.files {
        case .alias(let directory):
            values.documentRoot = directory
            // What remains of the request's path begins with a slash, however the location was written.
            values.stripPrefix = path == "/" ? "" : Paths.trimmed(path)
        case .root(let directory):
            values.documentRoot = directory
            guard let configuredRoot, !base.isEmpty, linkTarget(of: directory + base) == nil else { return }
            values.documentRoot = Paths.join(configuredRoot, "public")
            values.stripPrefix = base
        case .none:
            values.documentRoot = configuredRoot.map { Paths.join($0, "public") }
            values.stripPrefix = base
        }
    }

    private func mimeTypes(_ scope: Scope) -> MIMETypes {
        guard scope.types != nil || scope.defaultType != nil else { return .standard }
        return MIMETypes(
            byExtension: scope.types ?? MIMETypes.standard.byExtension,
            defaultType: scope.defaultType ?? MIMETypes.unknown
        )
    }

    private func applyRequestSettings(_ scope: Scope, to values: inout RouteModel.Values) {
        // All values were checked when they were read; what cannot be read again keeps its default.
        if let flag = scope.flag("request_buffering") { values.requestBuffering = flag }
        if let flag = scope.flag("ignore_client_abort") { values.ignoreClientAbort = flag }
        if let time = scope.text("read_timeout").flatMap({ try? ValueParsers.duration($0) }) {
            values.readTimeout = time
        }
        if let status = scope.text("request_queue_overflow_status_code").flatMap({ Int($0) }) {
            values.overflowStatus = status
        }
        if let status = scope.text("spawn_exception_status_code").flatMap({ Int($0) }) {
            values.spawnErrorStatus = status
        }
        values.customErrorPage = scope.text("custom_error_page")
    }

    private mutating func noteSubjects(
        of app: FrontApp,
        _ settings: AppSettings,
        _ scope: Scope,
        enabledAt place: SourceLocation
    ) {
        func placeOf(_ name: String) -> SourceLocation { scope.settings[name]?.location ?? place }
        if let user = settings.user { note(.user(user), at: placeOf(SettingName.user), neededBy: app) }
        // "!STARTUP_FILE!" asks for the group of that file.
        if let group = settings.group, !group.hasPrefix("!") {
            note(.group(group), at: placeOf(SettingName.group), neededBy: app)
        }
        if let file = settings.environmentFile {
            let path = Paths.absolute(file, below: settings.appRoot)
            note(.environmentFile(path), at: placeOf(SettingName.environmentFile), neededBy: app)
        }
        note(.instances(settings.minInstances), at: placeOf(SettingName.minInstances))
        let startupFiles = Self.startupFiles(of: settings)
        for interpreter in Self.interpreters(of: settings, startupFiles) {
            note(.interpreter(interpreter), at: placeOf(interpreter.setting), neededBy: app)
        }
        let names = startupFiles.map(\.name)
        let rootPlace = placeOf(SettingName.appRoot)
        note(.appRoot(settings.appRoot, startupFiles: names), at: rootPlace, neededBy: app)
        if settings.user == nil {
            note(.owner(appRoot: settings.appRoot, startupFiles: names), at: rootPlace, neededBy: app)
        }
    }

    /// None where a command starts the app.
    private static func startupFiles(of settings: AppSettings) -> [(name: String, type: AppType)] {
        guard settings.appStartCommand == nil else { return [] }
        if let file = settings.startupFile, let type = settings.appType {
            return type.files(of: file).map { ($0, type) }
        }
        return AppType.startupFiles.filter { $0.type == settings.appType ?? $0.type }
    }

    /// Those that are named by a path; a bare name is looked up by the daemon, as the app's user.
    private static func interpreters(
        of settings: AppSettings,
        _ startupFiles: [(name: String, type: AppType)]
    ) -> [MachineSubject.Interpreter] {
        let all: [(path: String, setting: String, types: Set<AppType>)] = [
            (settings.ruby, SettingName.ruby, [.rack, .classicRails]),
            (settings.python, SettingName.python, [.wsgi, .asgi]),
            (settings.nodejs, SettingName.nodejs, [.node]),
        ]
        return all.compactMap { path, setting, types in
            let own = startupFiles.filter { types.contains($0.type) }.map(\.name)
            guard !own.isEmpty, path.utf8.first == UInt8(ascii: "/") else { return nil }
            return MachineSubject.Interpreter(
                path: path,
                setting: setting,
                appRoot: settings.appRoot,
                startupFiles: startupFiles.map(\.name),
                ownStartupFiles: own
            )
        }
    }

    /// The app of a scope: a new one, or the one declared before under the same group name.
    private mutating func app(
        _ scope: Scope,
        appRoot: String,
        base: String,
        isOutsideOfBases: Bool
    ) -> FrontApp? {
        var entries = [SettingsList.Entry(name: SettingName.appRoot, value: appRoot)]
        if !base.isEmpty { entries.append(SettingsList.Entry(name: SettingName.baseURI, value: base)) }
        for (name, value) in scope.settings where name != SettingName.appRoot {
            guard SettingCatalog.named(name)?.isPushed == true else { continue }
            entries.append(SettingsList.Entry(name: name, value: value.text))
        }
        for variable in scope.variables.values {
            entries.append(SettingsList.Entry(name: SettingName.environmentVariable, value: variable.text))
        }
        let place = scope.settings["enabled"]?.location ?? SourceLocation(file: "", line: 0)
        do throws(SettingsError) {
            let settings = try AppSettings(SettingsList(entries))
            let (app, conflict) = apps.add(settings, at: place)
            if let conflict { report(conflict) }
            // Beside base URIs the document root mostly belongs to a site without an app.
            if !isOutsideOfBases { noteSubjects(of: app, settings, scope, enabledAt: place) }
            return app
        } catch {
            let culprit = scope.settings[error.setting]?.location ?? place
            let value = scope.text(error.setting) ?? error.value
            report(culprit.error("\"passenger_\(error.setting) \(value)\": \(error.reason)"))
            return nil
        }
    }
}
