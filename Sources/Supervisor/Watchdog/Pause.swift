// SPDX-License-Identifier: MIT

import LinuxSystem

/// A short wait between two looks at something that tells nobody when it changes.
enum Pause {
    static func wait(_ time: Duration) {
        // Fails for lack of memory only: the next look comes at once then.
        _ = try? Poll.wait([], timeout: time)
    }
}
