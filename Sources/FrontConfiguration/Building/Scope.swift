// SPDX-License-Identifier: MIT

import AppSettings

/// What is in force inside a block: what the block says, else what the blocks around it say.
struct Scope {
    /// A value and where it was given.
    struct Value {
        let text: String
        let location: SourceLocation
    }

    /// Where static files are.
    enum Files {
        case none
        /// The whole path is appended.
        case root(String)
        /// What the location matched is taken off first.
        case alias(String)

        var directory: String? {
            switch self {
            case .none: nil
            case .root(let directory), .alias(let directory): directory
            }
        }
    }

    /// Settings by canonical name without prefix.
    var settings: [String: Value] = [:]
    /// Variables for apps by name.
    var variables: [ExactText: Value] = [:]
    var baseURIs: [Value] = []
    var files = Files.none
    /// Where that was said.
    var filesPlace: SourceLocation?
    var types: [String: String]?
    var defaultType: String?
    /// Values that stand in the route as they are.
    var route = RouteModel.Values()
    /// Whether headers, base URIs and types were inherited, so that the first one given here replaces them.
    private var inherited: Set<String> = []

    /// The scope of a block inside this one.
    func inner() -> Scope {
        var scope = self
        scope.inherited = ["add_header", "base_uri", "passenger_set_header", "set_real_ip_from", "types"]
        // Answers a request at the level where it stands only.
        scope.route.returns = nil
        return scope
    }

    /// Whether this is the first directive of a name in this block, after which inherited values of it are gone.
    mutating func startsAnew(_ name: String) -> Bool { inherited.remove(name) != nil }

    func text(_ setting: String) -> String? { settings[setting]?.text }

    /// A flag that was checked when it was read.
    func flag(_ setting: String) -> Bool? {
        text(setting).flatMap { try? ValueParsers.flag($0) }
    }
}
