// SPDX-License-Identifier: MIT

package import ArgumentParser

/// One of the things that a tool can do.
package protocol Subcommand: ParsableCommand {
    /// Does it, and returns what is to be printed.
    func carryOut() throws(ToolFailure) -> String
}
