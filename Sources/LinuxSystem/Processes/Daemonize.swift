// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// Going to the background while the starting process waits to hear whether it worked.
///
/// Order for a program: parse arguments, `start()` (before any thread exists), open the log and take it for the standard
/// streams, PID file, bind, `ready()`. `start` returns in the background process only.
package struct Daemonize: ~Copyable, Sendable {
    private let verdict: Descriptor

    private init(_ verdict: consuming Descriptor) { self.verdict = verdict }

    /// Continues in a background process, with a session of its own and `/dev/null` as standard input.
    ///
    /// `EDEADLK` when the process has more than one thread. The starting process exits 0 after `ready`, else 1.
    package static func start() throws(SystemError) -> Daemonize {
        Daemonize(Descriptor(owning: try checked("daemonize") { fp_daemonize() }))
    }

    /// The starting process may exit 0.
    package consuming func ready() {
        // Nobody may be left to hear it: the service runs all the same.
        try? verdict.writeAll("OK\n")
    }

    /// The starting process prints `text` on its standard error and exits 1.
    package consuming func failed(_ text: String) {
        // As above.
        try? verdict.writeAll(text.hasSuffix("\n") ? text : text + "\n")
    }
}
