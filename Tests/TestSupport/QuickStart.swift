// SPDX-License-Identifier: MIT

/// The walk-through of the README, as it stands there.
package enum QuickStart {
    /// The first block of README.md that is marked as shell commands; nil if there is none.
    package static func script() throws -> String? {
        let lines = try Repository.text("README.md").split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(of: "```sh") else { return nil }
        guard let end = lines[(start + 1)...].firstIndex(of: "```") else { return nil }
        return lines[(start + 1)..<end].joined(separator: "\n") + "\n"
    }
}
