// SPDX-License-Identifier: MIT

/// Why the daemon cannot start; the text is meant for the operator.
package struct StartProblem: Error, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
