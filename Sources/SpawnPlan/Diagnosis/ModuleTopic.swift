// SPDX-License-Identifier: MIT

import AppSettings
import ShownText

/// Modules of Python and Node that are not there, or that the app's user cannot see.
enum ModuleTopic {
    static func find(in evidence: Evidence) -> DiagnosisFinding? {
        if let name = evidence.text(after: "No module named '", upTo: "'") { return .pythonModule(name) }
        if let name = evidence.text(after: "Cannot find module '", upTo: "'") { return .nodeModule(name) }
        if let name = evidence.text(after: "Cannot find package '", upTo: "'") { return .nodeModule(name) }
        return nil
    }

    static func pythonRemedies(_ name: String, _ scene: DiagnosisScene) -> [Remedy] {
        let python = scene.interpreter
        let package = name.split(separator: ".").first.map(String.init) ?? name
        var remedies: [Remedy] = []
        if !scene.interpreter.contains("/") || scene.interpreter.utf8.starts(with: "/usr/bin/".utf8) {
            remedies.append(
                .init(
                    "If the app has a virtualenv, name its interpreter in the front's configuration, for example:",
                    configuration: "passenger_python \(scene.appRoot + "/venv/bin/python");"
                )
            )
        }
        if ShellWord.isPackageName(package) {
            remedies.append(
                .init(
                    "Install what provides \(package) for the Python that runs the app, \(SafeText.name(scene.interpreter)); or all that the "
                        + "app needs, with -r requirements.txt in place of the name:",
                    shell: scene.inAppRoot("\(python) -m pip install \(package)")
                )
            )
        }
        remedies.append(
            .init(
                "If it is installed, \(scene.userName) probably cannot read it. See where that user's Python looks:",
                shell: scene.inAppRoot("\(python) -m site")
            )
        )
        return remedies
    }

    static func nodeRemedies(_ name: String, _ scene: DiagnosisScene) -> [Remedy] {
        guard ShellWord.isPackageName(name) else {
            let shown = SafeText.name(name)
            guard name.utf8.first == UInt8(ascii: "/") else {
                return [
                    "The app itself requires the file \(shown), which does not exist or may not be read by \(scene.userName)."
                ]
            }
            return [
                Remedy(
                    "The app itself requires \(shown). Look whether it is there and who may read it:",
                    shell: "namei -l \(name)"
                )
            ]
        }
        let package = self.package(name)
        return [
            .init("Install what package.json asks for:", shell: scene.inAppRoot("npm install")),
            .init("If package.json does not name \(package):", shell: scene.inAppRoot("npm install \(package)")),
            .init(
                "If it is installed, \(scene.userName) probably cannot read it. Look at it:",
                shell: "namei -l \("\(scene.appRoot)/node_modules/\(package)")"
            ),
        ]
    }

    /// "@scope/name" and "name" of "@scope/name/file" and "name/file".
    private static func package(_ name: String) -> String {
        name.pathComponents.prefix(name.hasPrefix("@") ? 2 : 1).joined(separator: "/")
    }
}
