// SPDX-License-Identifier: MIT

package import AppSettings
import ShownText

/// What an app root without a startup file holds instead, and what to write so that it runs.
///
/// Nothing is started by a sign alone: what a file of such a name does is for its owner to know.
package enum ProjectSign: Hashable, Sendable {
    /// A startup file under another name that a loader takes as it is.
    case startupFile(String, AppType)
    /// A Django project: its WSGI module lies in a folder of a name that is not known.
    case djangoProject
    /// A Python module that often holds the application, by whatever name and interface.
    case pythonModule(String)
    /// The startup file of that name lies in a folder of the app root.
    case folder(String, startupFile: String)
    case procfile
    case nodePackage

    private static let names: [(name: String, sign: ProjectSign)] =
        ["app.mjs", "server.js", "index.js", "main.js", "server.mjs", "index.mjs"].map {
            ($0, .startupFile($0, .node))
        } + [
            ("manage.py", .djangoProject), ("wsgi.py", .startupFile("wsgi.py", .wsgi)),
            ("asgi.py", .startupFile("asgi.py", .asgi)),
        ]
        + ["app.py", "application.py", "main.py"].map { ($0, .pythonModule($0)) }

    /// Folders that are looked into; a request for an app that is not there must not cost much.
    private static let maxFolders = 32

    /// The first sign of an app in an app root, those that say most first; nil: there is none.
    static func first(in files: some FileFacts) -> ProjectSign? {
        func isFile(_ name: String) -> Bool {
            switch files.fact(at: .below(name))?.kind {
            case .file, .link: true
            case .directory, .other, nil: false
            }
        }
        if let found = names.first(where: { isFile($0.name) }) { return found.sign }
        for folder in files.folders(limit: maxFolders) where isPlain(folder) {
            for file in AppTypeDetection.startupFiles.map(\.name) where isFile("\(folder)/\(file)") {
                return .folder(folder, startupFile: file)
            }
        }
        if isFile("Procfile") { return .procfile }
        return isFile("package.json") ? .nodePackage : nil
    }

    /// The names come from whoever owns the app root, and go into advice that others follow.
    private static func isPlain(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        } && !name.utf8.starts(with: ".".utf8)
    }

    func remedies(appRoot: String) -> [Remedy] {
        switch self {
        case .startupFile(let name, let type):
            return [
                Remedy(
                    "If \(name) starts it:",
                    configuration: "passenger_app_type \(type.rawValue); passenger_startup_file \(name);"
                )
            ]
        case .djangoProject:
            return [
                """
                manage.py is that of a Django project: write passenger_wsgi.py beside it with the one line \
                "from PROJECT.wsgi import application", where PROJECT is the folder with wsgi.py.
                """
            ]
        case .pythonModule(let name):
            let module = name.dropLast(".py".count)
            return [
                Remedy(
                    "If \(name) has a WSGI application named application:",
                    configuration: "passenger_app_type wsgi; passenger_startup_file \(name);"
                ),
                """
                If it is named app, as with Flask, write passenger_wsgi.py with the one line \
                "from \(module) import app as application".
                """,
                Remedy(
                    "If it is an ASGI application (FastAPI, Starlette):",
                    configuration: "passenger_app_type asgi; passenger_startup_file \("\(module):app");"
                ),
            ]
        case .folder(let folder, let file):
            return [
                Remedy(
                    "\(file) lies in the folder \(folder); if that is the application:",
                    configuration: "passenger_app_root \("\(appRoot)/\(folder)");"
                ),
                "Or let root of the server name the folder public in it: the application is the folder above.",
            ]
        case .procfile:
            return [
                Remedy(
                    "Take the command behind web: in Procfile:",
                    configuration: "passenger_app_start_command \"COMMAND\";"
                ),
                "It must listen on the port in the environment variable PORT.",
            ]
        case .nodePackage:
            return [
                Remedy(
                    "Name the file that starts its server:",
                    configuration: "passenger_app_type node; passenger_startup_file FILE;"
                ),
                Remedy(
                    "Or, if package.json has a script start that listens on the port in the environment variable PORT:",
                    configuration: "passenger_app_start_command \"npm start\";"
                ),
            ]
        }
    }
}
