// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

/// All tests that drive the built programs, one at a time.
///
/// Each has daemons, fronts and applications of its own; two of them at once would only make both slow.
@Suite(.serialized, .enabled(if: Repository.programsAreBuilt, "the programs have not been built (make build)"))
enum Integration {
    /// Owner of the application with this number; nil without root, when everything belongs to the one who tests.
    static func owner(_ number: Int) -> UserAccount? { Machine.isRoot ? Machine.appUsers[number] : nil }

    static let hasRuby = Machine.has("ruby")
    static let hasNode = Machine.has("node")
    static let hasRails = hasRuby && Machine.has("rails") && Machine.has("bundle")
}
