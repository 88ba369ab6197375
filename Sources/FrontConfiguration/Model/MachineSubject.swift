// SPDX-License-Identifier: MIT

/// Something of the machine that a configuration names, with the place where it does; for a check before the start.
package struct MachineSubject: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case listen(ListenAddress)
        /// Path of a log's file.
        case log(String)
        /// A limit on open files.
        case openFiles(Int)
        /// A directory of static files that was named, not concluded from the app root.
        case documentRoot(String)
        /// One of the startup files has to be there; none are asked for where a command starts the app.
        case appRoot(String, startupFiles: [String])
        /// An app that is to run as the owner of the first of these that there is, or of its root if there are none.
        case owner(appRoot: String, startupFiles: [String])
        /// An account that an app runs as.
        case user(String)
        case group(String)
        case environmentFile(String)
        /// An interpreter's path, which counts if the first of all startup files that there is is one of its own.
        case interpreter(Interpreter)
        /// How many processes an app is to keep.
        case instances(Int)
    }

    package struct Interpreter: Sendable, Hashable {
        package let path: String
        /// `passenger_python` and its like.
        package let setting: String
        package let appRoot: String
        /// Those that the app may have, in the order in which they are looked for.
        package let startupFiles: [String]
        package let ownStartupFiles: [String]

        package init(path: String, setting: String, appRoot: String, startupFiles: [String], ownStartupFiles: [String])
        {
            self.path = path
            self.setting = setting
            self.appRoot = appRoot
            self.startupFiles = startupFiles
            self.ownStartupFiles = ownStartupFiles
        }
    }

    package let kind: Kind
    package let place: SourceLocation
    /// `FrontApp.id` of those that do not start without it.
    package var apps: Set<Int>

    package init(_ kind: Kind, at place: SourceLocation, apps: Set<Int> = []) {
        self.kind = kind
        self.place = place
        self.apps = apps
    }
}
