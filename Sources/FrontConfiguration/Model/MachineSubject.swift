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
    }

    package let kind: Kind
    package let place: SourceLocation

    package init(_ kind: Kind, at place: SourceLocation) {
        self.kind = kind
        self.place = place
    }
}
