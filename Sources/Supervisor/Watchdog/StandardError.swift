// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText

/// Words to whoever started the program, besides or before the log.
enum StandardError {
    static func write(_ text: String) { self.write(text, to: 2) }

    static func writeOutput(_ text: String) { self.write(text, to: 1) }

    /// Nobody may be left to read it.
    private static func write(_ text: String, to number: Int32) {
        guard let descriptor = try? Descriptor.duplicating(number) else { return }
        try? descriptor.writeAll(SafeText.block(text))
    }
}
