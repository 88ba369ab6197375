// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// What a loader advises to type, by name: `error command NAME`, and on a line of its own the part that goes into it.
///
/// A loader runs as the app's user and says what the app likes. So it only chooses among the commands that are written here;
/// they run nothing of the app's as anybody but its user, and the part is one quoted word, or the plain name of a package.
enum LoaderCommand: Hashable, Sendable {
    /// Whose a file or directory is.
    case list(path: String)
    case memory
    /// Whether the interpreter can read a source file.
    case check(file: String)
    case installGem(String)
    case installBundle
    case checkBundle
    /// Nil: what requirements.txt lists.
    case installModule(String?)
    /// From its source.
    case buildModule(String)
    case listModules
    /// With a module in it, or with what requirements.txt lists.
    case makeVirtualenv(String?)
    /// Nil: what package.json lists.
    case installPackage(String?)
    case setVariable(name: String, path: String)
    case setPython(path: String)
    case setStartupFile
    /// The module that defines the application.
    case startASGI(module: String)

    /// Nil: no such command, or a part that cannot be one.
    init?(_ words: [String]) {
        let part = words.count == 2 ? words[1] : nil
        let path = part.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
        let name = part.flatMap { ShellWord.isPackageName($0) ? $0 : nil }
        guard let command = words.first, words.count <= 2 else { return nil }
        switch (command, path, name) {
        case ("list", let path?, _): self = .list(path: path)
        case ("gem-path", let path?, _): self = .setVariable(name: "GEM_PATH", path: path)
        case ("node-path", let path?, _): self = .setVariable(name: "NODE_PATH", path: path)
        case ("python", let path?, _): self = .setPython(path: path)
        case ("gem-install", _, let name?): self = .installGem(name)
        case ("pip-install", _, let name?): self = .installModule(name)
        case ("pip-build", _, let name?): self = .buildModule(name)
        case ("virtualenv", _, let name?): self = .makeVirtualenv(name)
        case ("npm-install", _, let name?): self = .installPackage(name)
        case ("asgi", _, let name?): self = .startASGI(module: name)
        case ("check", _, _):
            guard let part, !part.isEmpty else { return nil }
            self = .check(file: part)
        default:
            guard part == nil, let plain = Self.plain[ExactText(command)] else { return nil }
            self = plain
        }
    }

    /// Those without a part.
    private static let plain: [ExactText: LoaderCommand] = [
        "memory": .memory, "bundle-install": .installBundle, "bundle-check": .checkBundle,
        "pip-install": .installModule(nil), "pip-freeze": .listModules, "virtualenv": .makeVirtualenv(nil),
        "npm-install": .installPackage(nil), "startup-file": .setStartupFile,
    ]

    /// `text` ends with a colon.
    func remedy(_ text: String, in shell: AppShell) -> Remedy {
        switch self {
        case .setVariable(let name, let path):
            Remedy(text, configuration: "passenger_env_var \(name) \(path);")
        case .setPython(let path): Remedy(text, configuration: "passenger_python \(path);")
        case .setStartupFile:
            Remedy(text, configuration: "passenger_app_type node; passenger_startup_file FILE;")
        case .startASGI(let module):
            Remedy(
                text,
                configuration: "passenger_app_type asgi; passenger_startup_file \("\(module):application");"
            )
        default: line(in: shell).map { Remedy(text, shell: $0) } ?? .withoutCommand(text)
        }
    }

    private func line(in shell: AppShell) -> ShellLine? {
        let program = shell.interpreter
        return switch self {
        case .list(let path): "ls -ld \(path)"
        case .memory: "free -m"
        case .check(let file): shell.check(file)
        case .installGem(let gem): shell.inAppRoot("\(program) -S gem install --user-install \(gem)")
        case .installBundle:
            shell.inAppRoot(
                "\(program) -S bundle config set --local path vendor/bundle && \(program) -S bundle install"
            )
        case .checkBundle: shell.inAppRoot("\(program) -S bundle check")
        case .installModule(let module): shell.inAppRoot("\(program) -m pip install \(Self.wanted(module))")
        case .buildModule(let module):
            shell.inAppRoot("\(program) -m pip install --force-reinstall --no-binary :all: \(module)")
        case .listModules: shell.inAppRoot("\(program) -m pip freeze")
        case .makeVirtualenv(let module):
            shell.inAppRoot("python3 -m venv venv && venv/bin/pip install \(Self.wanted(module))")
        case .installPackage(let package?): shell.inAppRoot("npm install \(package)")
        case .installPackage(nil): shell.inAppRoot("npm install")
        case .setVariable, .setPython, .setStartupFile, .startASGI: nil
        }
    }

    private static func wanted(_ module: String?) -> ShellLine { module.map { "\($0)" } ?? "-r requirements.txt" }
}
