// SPDX-License-Identifier: MIT

import LinuxSystem

/// An event that did not come in time.
package struct TimedOut: Error, CustomStringConvertible {
    package let description: String
}

/// Waits until something is true, looking every few milliseconds: for what has no descriptor to wait on.
package func eventually(
    _ what: String,
    within limit: Duration = .seconds(30),
    _ condition: () throws -> Bool
) throws {
    let end = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < end else { throw TimedOut(description: "waited \(limit) in vain for: \(what)") }
        pause(.milliseconds(5))
    }
}

/// Lets time pass; only for `eventually` and for what a client of the real world would do.
package func pause(_ time: Duration) {
    // An empty list of descriptors: poll(2) as a clock. It cannot fail.
    _ = try? Poll.wait([], timeout: time)
}
