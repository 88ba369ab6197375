// SPDX-License-Identifier: MIT

/// One app as flags declare it: `--listen ADDR --app-root DIR --set NAME=VALUE`.
package struct CommandLineApp: Sendable, Hashable {
    /// Folder that relative paths begin at.
    package var directory: String
    package var listens: [String]
    package var appRoot: String
    /// `NAME=VALUE`; `env_var=NAME=VALUE` sets a variable.
    package var settings: [String]

    package init(directory: String, listens: [String], appRoot: String, settings: [String]) {
        self.directory = directory
        self.listens = listens
        self.appRoot = appRoot
        self.settings = settings
    }

    /// The same as directives, so that there is one way to read them.
    var directives: [Directive] {
        let place = SourceLocation(file: "command line", line: 0)
        var block = listens.map { Directive("listen", [$0], location: place) }
        let appRoot = Paths.trimmed(Paths.absolute(appRoot, below: directory))
        block.append(Directive("root", [Paths.join(appRoot, "public")], location: place))
        block.append(Directive("passenger_app_root", [appRoot], location: place))
        block.append(Directive("passenger_enabled", ["on"], location: place))
        block += settings.map { setting in
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0].hasPrefix("passenger_") ? parts[0] : "passenger_\(parts[0])"
            guard name == "passenger_env_var", parts.count == 2 else {
                return Directive(name, Array(parts.dropFirst()), location: place)
            }
            let variable = parts[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Directive(name, variable.map(String.init), location: place)
        }
        return [Directive("server", [], block: block, location: place)]
    }
}
