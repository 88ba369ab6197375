// SPDX-License-Identifier: MIT

package import AppSettings
import ShownText

/// What kind of application an app root holds (spec §2.4).
package struct DetectedApp: Hashable, Sendable {
    package let type: AppType
    /// Relative to the app root; nil for generic apps, whose app root stands for it.
    package let startupFile: String?
    /// Of the startup file, or of the app root for a generic app.
    package let fact: FileFact

    package init(type: AppType, startupFile: String?, fact: FileFact) {
        self.type = type
        self.startupFile = startupFile
        self.fact = fact
    }

    /// What decides about the user.
    package var referencePath: AppPath { startupFile.map(AppPath.below) ?? .root }
    /// For sentences: "config.ru" or "the app root".
    package var referenceName: String { startupFile ?? "the app root" }
}

package enum AppTypeDetection {
    /// The startup files that mark an app, in the order in which they are looked for.
    package static let startupFiles = AppType.startupFiles

    package enum Problem: Error, Hashable, Sendable {
        case noAppRoot
        case appRootIsNoDirectory
        /// None of the known startup files exists; what is there instead, if that tells anything.
        case noStartupFile(ProjectSign? = nil)
        /// A project that has to be built before anything can run it.
        case meteorProject
        case startupFileMissing(String)
        case startupFileIsNoFile(String, FileFact.Kind)
        /// Absolute and elsewhere, or with `..`: it could not be checked against the app root.
        case startupFileOutside(String)
    }

    package static func detect(_ settings: AppSettings, in files: some FileFacts) throws(Problem) -> DetectedApp {
        guard let root = files.fact(at: .root) else { throw .noAppRoot }
        guard root.kind == .directory else { throw .appRootIsNoDirectory }
        if settings.appStartCommand != nil {
            return DetectedApp(type: .generic, startupFile: nil, fact: root)
        }
        if let type = settings.appType {
            return try chosen(type, settings, in: files)
        }
        for candidate in startupFiles {
            guard let fact = files.fact(at: .below(candidate.name)) else { continue }
            return try app(candidate.type, candidate.name, fact)
        }
        throw absence(in: files)
    }

    private static func absence(in files: some FileFacts) -> Problem {
        if files.fact(at: .below(".meteor"))?.kind == .directory { return .meteorProject }
        return .noStartupFile(ProjectSign.first(in: files))
    }

    private static func chosen(
        _ type: AppType,
        _ settings: AppSettings,
        in files: some FileFacts
    ) throws(Problem) -> DetectedApp {
        let standard = startupFiles.first { $0.type == type }?.name
        guard let configured = settings.startupFile ?? standard else { throw .noStartupFile() }
        var missing = configured
        for candidate in type.files(of: configured) {
            guard let name = relative(candidate, to: settings.appRoot) else { throw .startupFileOutside(configured) }
            if let fact = files.fact(at: .below(name)) { return try app(type, name, fact) }
            missing = name
        }
        throw .startupFileMissing(missing)
    }

    private static func app(_ type: AppType, _ name: String, _ fact: FileFact) throws(Problem) -> DetectedApp {
        switch fact.kind {
        case .file, .link: DetectedApp(type: type, startupFile: name, fact: fact)
        case .directory, .other: throw .startupFileIsNoFile(name, fact.kind)
        }
    }

    /// `path` without the app root in front, cleaned of empty and `.` components; nil if it does not lie below it.
    static func relative(_ path: String, to appRoot: String) -> String? {
        var components = path.pathComponents.filter { $0 != "." }
        if path.utf8.first == UInt8(ascii: "/") {
            let root = appRoot.pathComponents.filter { $0 != "." }
            guard components.starts(with: root, by: { $0.isExactly($1) }) else { return nil }
            components.removeFirst(root.count)
        }
        guard !components.isEmpty, !components.contains("..") else { return nil }
        return components.joined(separator: "/")
    }
}

extension AppTypeDetection.Problem {
    package func cause(appRoot: String) -> SpawnFailure.Cause {
        SpawnFailure.Cause(category, kind, summary(appRoot: appRoot), remedies: remedies(appRoot: appRoot))
    }

    private var kind: SpawnFailure.Kind {
        switch self {
        case .noAppRoot, .appRootIsNoDirectory: .appRootMissing
        case .noStartupFile, .startupFileMissing, .startupFileIsNoFile: .startupFileMissing
        case .startupFileOutside: .configuration
        case .meteorProject: .frameworkUnsupported
        }
    }

    private var category: SpawnFailure.Category {
        switch self {
        case .noStartupFile: .noApplication
        case .noAppRoot, .appRootIsNoDirectory, .startupFileMissing, .startupFileIsNoFile: .fileSystem
        case .startupFileOutside, .meteorProject: .configuration
        }
    }

    private func summary(appRoot: String) -> String {
        switch self {
        case .noAppRoot: "the app root \(SafeText.name(appRoot)) does not exist, or it cannot be opened"
        case .appRootIsNoDirectory: "the app root \(SafeText.name(appRoot)) is no directory"
        case .noStartupFile:
            "no application was found in \(SafeText.name(appRoot)): it holds none of "
                + AppTypeDetection.startupFiles.map(\.name).joined(separator: ", ")
        case .meteorProject:
            "\(SafeText.name(appRoot)) holds the project of a Meteor application, which cannot be run as it is"
        case .startupFileMissing(let file):
            "the startup file \(SafeText.name(file)) does not exist in \(SafeText.name(appRoot))"
        case .startupFileIsNoFile(let file, let kind):
            "the startup file \(SafeText.name(file)) in \(SafeText.name(appRoot)) is a \(kind.rawValue)"
        case .startupFileOutside(let file):
            "the startup file \(SafeText.name(file)) does not lie below the app root \(SafeText.name(appRoot))"
        }
    }

    private func remedies(appRoot: String) -> [Remedy] {
        switch self {
        case .noAppRoot, .appRootIsNoDirectory: ["Correct passenger_app_root, or root of the server."]
        case .noStartupFile(let sign?): sign.remedies(appRoot: appRoot)
        case .noStartupFile(nil):
            [
                "If the application is elsewhere, set passenger_app_root (it is the folder above the document root otherwise).",
                "Add a startup file, or set passenger_app_start_command.",
            ]
        case .meteorProject:
            [
                Remedy(
                    "Build it with `meteor build --directory DIRECTORY`, install the modules of "
                        + "DIRECTORY/bundle/programs/server, and set:",
                    configuration:
                        "passenger_app_root DIRECTORY/bundle; passenger_app_type node; passenger_startup_file main.js;"
                )
            ]
        case .startupFileMissing, .startupFileIsNoFile: ["Correct passenger_startup_file."]
        case .startupFileOutside: ["Name the startup file relative to the app root, without .. in it."]
        }
    }
}
