// SPDX-License-Identifier: MIT

import AppSettings

/// The order in which a reader meets the lines of a configuration.
///
/// Values are looked at by their meaning, a server's locations after all that stands beside them, so what there is to say
/// comes up in another order.
struct SourceOrder {
    private var ranks: [ExactText: Int] = [:]

    init(_ topLevels: [[Directive]]) {
        for directives in topLevels { meet(directives) }
    }

    private mutating func meet(_ directives: [Directive]) {
        for directive in directives {
            let file = ExactText(directive.location.file)
            if ranks[file] == nil { ranks[file] = ranks.count }
            if let block = directive.block { meet(block) }
        }
    }

    /// Things of one line stay as they were.
    func sorted<Thing>(_ things: [Thing], by place: (Thing) -> SourceLocation) -> [Thing] {
        let keyed = things.enumerated().map { offset, thing in
            let place = place(thing)
            return (key: (ranks[ExactText(place.file)] ?? ranks.count, place.line, offset), thing: thing)
        }
        return keyed.sorted { $0.key < $1.key }.map(\.thing)
    }
}
