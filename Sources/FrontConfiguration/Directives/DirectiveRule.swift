// SPDX-License-Identifier: MIT

/// The block a directive stands in.
struct DirectiveContext: OptionSet, Hashable {
    let rawValue: UInt8

    static let main = DirectiveContext(rawValue: 1)
    static let http = DirectiveContext(rawValue: 2)
    static let server = DirectiveContext(rawValue: 4)
    static let location = DirectiveContext(rawValue: 8)
    static let events = DirectiveContext(rawValue: 16)

    static let everywhere: DirectiveContext = [.main, .http, .server, .location, .events]
    static let requests: DirectiveContext = [.http, .server, .location]

    /// For messages: `http or server`.
    var names: String {
        var names: [String] = []
        if contains(.main) { names.append("the top level") }
        if contains(.http) { names.append("http") }
        if contains(.server) { names.append("server") }
        if contains(.location) { names.append("location") }
        if contains(.events) { names.append("events") }
        return names.joined(separator: " or ")
    }
}

/// What is known about a directive apart from its meaning.
struct DirectiveRule {
    enum Treatment: Equatable {
        case handled
        /// Harmless to leave out; one warning. The reason completes "has no effect here, because ".
        case ignored(String)
        /// Leaving it out would change who may see what, or what is answered: an error, unless its arguments are among
        /// those with which it asks for nothing.
        case unsupported(String, harmless: Set<String>)
    }

    let contexts: DirectiveContext
    let arguments: ClosedRange<Int>
    let hasBlock: Bool
    let mayRepeat: Bool
    let treatment: Treatment

    init(
        _ contexts: DirectiveContext,
        _ arguments: ClosedRange<Int>,
        hasBlock: Bool = false,
        mayRepeat: Bool = false,
        treatment: Treatment = .handled
    ) {
        self.contexts = contexts
        self.arguments = arguments
        self.hasBlock = hasBlock
        self.mayRepeat = mayRepeat
        self.treatment = treatment
    }
}
