// SPDX-License-Identifier: MIT

package import AppSettings

/// The environment of an app process (spec §2.3), in layers.
///
/// Later ones win:
///
///     initial      clean base (what is allowed of the daemon's own) → account → ours
///     login shell  replaces all of it by what a login makes of it, so profiles can test our variables, or unset others
///     changes      ours again
///     file         the lines of `env_file`
///     overrides    the app's `env_var`
///
/// Shell and file are read by `flying-passenger-exec`, which applies the rest in the same order.
package struct EnvironmentPlan: Hashable, Sendable {
    /// Names the instance of the daemon in the environment of all processes of its apps, however they daemonize: the next
    /// daemon finds by it what is left of one that was killed.
    package static let instanceVariable = "FLYING_PASSENGER_INSTANCE"

    /// Search path of apps below a root daemon: root's own may hold directories that only root can read.
    package static let cleanPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// What all apps of one daemon share.
    package struct Base: Sendable {
        /// The daemon's own environment; only what is on the allow list is used.
        package var daemonEnvironment: [EnvironmentVariable]
        /// Such as "Flying Passenger/0.1.0".
        package var serverSoftware: String
        /// Directory with the Node modules that come with the loaders; nil if there is none.
        package var nodeLibrary: String?
        /// Name of the running daemon's instance; nil: processes are not marked.
        package var instance: String?

        package init(
            daemonEnvironment: [EnvironmentVariable],
            serverSoftware: String,
            nodeLibrary: String? = nil,
            instance: String? = nil
        ) {
            self.daemonEnvironment = daemonEnvironment
            self.serverSoftware = serverSoftware
            self.nodeLibrary = nodeLibrary
            self.instance = instance
        }
    }

    /// What becomes of the variables of the login shell.
    package enum Change: Hashable, Sendable {
        case set(EnvironmentVariable)
        case unset(String)
        /// Puts a directory behind those of a list with colons, unless it is in it.
        case append(EnvironmentVariable)
    }

    private var list = VariableList()

    /// Before login shell and file.
    package var initial: [EnvironmentVariable] { list.variables }
    /// Nil: none is asked.
    package let loginShell: String?
    package private(set) var changes: [Change] = []
    /// As configured.
    package let file: String?
    package private(set) var overrides: [EnvironmentVariable] = []

    /// What it comes to if neither shell nor file say anything.
    package var variables: [EnvironmentVariable] { resolved() }

    package subscript(name: String) -> String? { variables.last { $0.name.isExactly(name) }?.value }

    package init(
        base: Base,
        identity: RunningIdentity,
        settings: AppSettings,
        type: AppType,
        port: UInt16? = nil,
        listens: Bool = false
    ) {
        loginShell = settings.loadShellEnvvars ? identity.account.flatMap { LoginShell.asked($0.shell) } : nil
        file = settings.environmentFile
        addAllowed(base.daemonEnvironment, keepsPath: !identity.isSwitched)
        addAccount(identity.account)
        addOwn(base, settings, type, port: port, listens: listens)
        overrides = settings.environmentVariables.filter(\.isUsable)
    }

    /// The environment that results from the variables of the login shell (nil: none was asked) and of the file.
    package func resolved(
        shell: [EnvironmentVariable]? = nil,
        file: [EnvironmentVariable] = []
    ) -> [EnvironmentVariable] {
        var result = list
        if let shell { result = VariableList(shell.filter { !LoginShell.ownVariables.contains($0.name) }) }
        for change in changes { result.apply(change) }
        for variable in file + overrides { result.set(variable.name, variable.value) }
        return result.variables
    }

    private mutating func addAllowed(_ environment: [EnvironmentVariable], keepsPath: Bool) {
        list.set("PATH", Self.cleanPath)
        for variable in environment {
            switch variable.name {
            case "PATH" where keepsPath && !variable.value.isEmpty: list.set("PATH", variable.value)
            case "LANG", "TZ", "TMPDIR": list.set(variable.name, variable.value)
            case let name where name.hasPrefix("LC_"): list.set(name, variable.value)
            default: break
            }
        }
    }

    private mutating func addAccount(_ account: Account?) {
        guard let account else { return }
        list.set("USER", account.name)
        list.set("LOGNAME", account.name)
        list.set("HOME", account.home)
        list.set("SHELL", account.shell.isEmpty ? "/bin/sh" : account.shell)
    }

    private mutating func addOwn(
        _ base: Base,
        _ settings: AppSettings,
        _ type: AppType,
        port: UInt16?,
        listens: Bool
    ) {
        for name in ["RAILS_ENV", "RACK_ENV", "WSGI_ENV", "NODE_ENV", "PASSENGER_APP_ENV"] {
            own(name, settings.environment)
        }
        own("IN_PASSENGER", "1")
        own("SERVER_SOFTWARE", base.serverSoftware)
        if let instance = base.instance { own(Self.instanceVariable, instance) }
        own("PYTHONUNBUFFERED", "1")
        own("PWD", settings.appRoot)
        if let library = base.nodeLibrary { change(.append(.init(name: "NODE_PATH", value: library))) }
        for name in ["RAILS_RELATIVE_URL_ROOT", "RACK_BASE_URI", "PASSENGER_BASE_URI"] {
            if settings.baseURI == "/" { change(.unset(name)) } else { own(name, settings.baseURI) }
        }
        // Not for the login shell: profile files may start a Ruby of their own.
        if settings.preloadBundler, type == .rack || type == .classicRails {
            changes.append(.set(.init(name: "RUBYOPT", value: "-rbundler/setup")))
        }
        if let port { own("PORT", String(port)) }
        // Descriptors of ours are all that a process inherits, whatever a profile says.
        for name in ["LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] { change(.unset(name)) }
        if listens { own("LISTEN_FDS", "1") } else { change(.unset("LISTEN_FDS")) }
    }

    private mutating func own(_ name: String, _ value: String) {
        let variable = EnvironmentVariable(name: name, value: value)
        if variable.isUsable { change(.set(variable)) }
    }

    private mutating func change(_ change: Change) {
        list.apply(change)
        changes.append(change)
    }
}

/// Which shells are asked for their variables.
package enum LoginShell {
    /// Those known to take `-l -c COMMAND`.
    private static let names = ["bash", "zsh", "ksh", "sh", "dash"]

    /// They describe the run of the shell itself.
    static let ownVariables: Set<String> = ["_", "SHLVL", "OLDPWD"]

    /// The path itself if it is asked; others, such as `nologin` or `fish`, are passed over.
    package static func asked(_ path: String) -> String? {
        guard path.utf8.first == UInt8(ascii: "/"), let name = path.pathComponents.last,
            names.contains(where: name.isExactly)
        else {
            return nil
        }
        return path
    }
}

/// Variables by name, in the order in which they were first set.
private struct VariableList: Hashable, Sendable {
    private var names: [ExactText] = []
    private var values: [ExactText: String] = [:]

    init(_ variables: [EnvironmentVariable] = []) {
        for variable in variables { set(variable.name, variable.value) }
    }

    var variables: [EnvironmentVariable] {
        names.compactMap { name in values[name].map { EnvironmentVariable(name: name.text, value: $0) } }
    }

    mutating func set(_ name: String, _ value: String) {
        guard EnvironmentVariable(name: name, value: value).isUsable else { return }
        let name = ExactText(name)
        if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }

    mutating func apply(_ change: EnvironmentPlan.Change) {
        switch change {
        case .set(let variable): set(variable.name, variable.value)
        case .unset(let name):
            let name = ExactText(name)
            if values.removeValue(forKey: name) != nil { names.removeAll { $0 == name } }
        case .append(let variable):
            let value = values[ExactText(variable.name)]
            let parts = value.map { $0.utf8.split(separator: UInt8(ascii: ":")) } ?? []
            guard !parts.contains(where: { $0.elementsEqual(variable.value.utf8) }) else { return }
            let old = value.flatMap { $0.isEmpty ? nil : $0 + ":" } ?? ""
            set(variable.name, old + variable.value)
        }
    }
}

extension EnvironmentVariable {
    /// `execve` takes no NUL inside, and a name with `=` would be read as another name.
    fileprivate var isUsable: Bool {
        !name.isEmpty && !name.utf8.contains(UInt8(ascii: "=")) && !name.utf8.contains(0) && !value.utf8.contains(0)
    }
}
