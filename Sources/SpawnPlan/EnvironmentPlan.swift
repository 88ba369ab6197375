// SPDX-License-Identifier: MIT

package import AppSettings

/// The environment of an app process (spec §2.3).
///
/// Later layers win:
/// allowed variables of the daemon → account → our own → the app's `env_var`.
package struct EnvironmentPlan: Sendable {
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

        package init(daemonEnvironment: [EnvironmentVariable], serverSoftware: String, nodeLibrary: String? = nil) {
            self.daemonEnvironment = daemonEnvironment
            self.serverSoftware = serverSoftware
            self.nodeLibrary = nodeLibrary
        }
    }

    private var names: [String] = []
    private var values: [String: String] = [:]

    /// In the order in which they were first set.
    package var variables: [EnvironmentVariable] {
        names.compactMap { name in values[name].map { EnvironmentVariable(name: name, value: $0) } }
    }

    package subscript(name: String) -> String? { values[name] }

    package init(
        base: Base,
        identity: RunningIdentity,
        settings: AppSettings,
        type: AppType,
        port: UInt16? = nil
    ) {
        addAllowed(base.daemonEnvironment, keepsPath: !identity.isSwitched)
        addAccount(identity.account)
        addOwn(base, settings, type, port: port)
        for variable in settings.environmentVariables { set(variable.name, variable.value) }
    }

    private mutating func addAllowed(_ environment: [EnvironmentVariable], keepsPath: Bool) {
        set("PATH", Self.cleanPath)
        for variable in environment {
            switch variable.name {
            case "PATH" where keepsPath && !variable.value.isEmpty: set("PATH", variable.value)
            case "LANG", "TZ", "TMPDIR": set(variable.name, variable.value)
            case let name where name.hasPrefix("LC_"): set(name, variable.value)
            default: break
            }
        }
    }

    private mutating func addAccount(_ account: Account?) {
        guard let account else { return }
        set("USER", account.name)
        set("LOGNAME", account.name)
        set("HOME", account.home)
        set("SHELL", account.shell.isEmpty ? "/bin/sh" : account.shell)
    }

    private mutating func addOwn(_ base: Base, _ settings: AppSettings, _ type: AppType, port: UInt16?) {
        for name in ["RAILS_ENV", "RACK_ENV", "WSGI_ENV", "NODE_ENV", "PASSENGER_APP_ENV"] {
            set(name, settings.environment)
        }
        set("IN_PASSENGER", "1")
        set("SERVER_SOFTWARE", base.serverSoftware)
        set("PYTHONUNBUFFERED", "1")
        set("PWD", settings.appRoot)
        if let library = base.nodeLibrary { set("NODE_PATH", library) }
        if settings.baseURI != "/" {
            for name in ["RAILS_RELATIVE_URL_ROOT", "RACK_BASE_URI", "PASSENGER_BASE_URI"] {
                set(name, settings.baseURI)
            }
        }
        if settings.preloadBundler, type == .rack || type == .classicRails { set("RUBYOPT", "-rbundler/setup") }
        if let port { set("PORT", String(port)) }
    }

    private mutating func set(_ name: String, _ value: String) {
        guard Self.isUsable(name, value) else { return }
        if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }

    /// `execve` takes no NUL inside, and a name with `=` would be read as another name.
    private static func isUsable(_ name: String, _ value: String) -> Bool {
        !name.isEmpty && !name.utf8.contains(UInt8(ascii: "=")) && !name.utf8.contains(0) && !value.utf8.contains(0)
    }
}
