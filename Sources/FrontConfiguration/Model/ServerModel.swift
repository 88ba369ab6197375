// SPDX-License-Identifier: MIT

/// One virtual server: its names and what happens below its paths.
package final class ServerModel: Sendable {
    /// One mount: a path and the route below it.
    package struct Mount: Sendable {
        package enum Match: Sendable, Hashable {
            /// The path is exactly this one.
            case exact
            /// The path begins with this one.
            case prefix
            /// The path is this one, or begins with it and a slash.
            case component
        }

        package let path: String
        package let match: Match
        package let route: RouteModel

        package init(path: String, match: Match, route: RouteModel) {
            self.path = path
            self.match = match
            self.route = route
        }
    }

    /// Lower case; `*.suffix` stands for all names below the suffix.
    package let names: [String]
    package let listens: [ListenAddress]
    /// In the order in which they are tried: exact ones, then the longest first.
    package let mounts: [Mount]
    private let entries: [Entry]

    /// A mount with its path as bytes.
    private struct Entry: Sendable {
        let path: [UInt8]
        let match: Mount.Match
        let route: RouteModel
    }

    package init(names: [String], listens: [ListenAddress], mounts: [Mount]) {
        self.names = names
        self.listens = listens
        self.mounts = mounts.enumerated().sorted { a, b in
            let (exactA, exactB) = (a.element.match == .exact, b.element.match == .exact)
            if exactA != exactB { return exactA }
            let (lengthA, lengthB) = (a.element.path.utf8.count, b.element.path.utf8.count)
            if lengthA != lengthB { return lengthA > lengthB }
            // Of equal paths the one that is asked for whole components is the narrower.
            let (componentA, componentB) = (a.element.match == .component, b.element.match == .component)
            return componentA != componentB ? componentA : a.offset < b.offset
        }
        .map(\.element)
        entries = self.mounts.map { Entry(path: Array($0.path.utf8), match: $0.match, route: $0.route) }
    }

    /// The route of a decoded path without query; `RouteModel.nothing` if no location holds it.
    package func route(path: UnsafeRawBufferPointer) -> RouteModel {
        for entry in entries where Self.matches(entry, path) { return entry.route }
        return .nothing
    }

    private static func matches(_ entry: Entry, _ path: UnsafeRawBufferPointer) -> Bool {
        let length = entry.path.count
        guard path.count >= length else { return false }
        switch entry.match {
        case .exact: guard path.count == length else { return false }
        case .component: guard path.count == length || path[length] == UInt8(ascii: "/") else { return false }
        case .prefix: break
        }
        return entry.path.withUnsafeBytes { prefix in
            for index in 0..<length where prefix[index] != path[index] { return false }
            return true
        }
    }
}
