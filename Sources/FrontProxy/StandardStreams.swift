// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText

/// Texts to whoever started the program, perhaps on a terminal.
enum StandardStreams {
    static func writeOutput(_ text: String) { write(text, to: 1) }

    static func writeError(_ text: String) { write(text, to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(SafeText.block(text).utf8)[...]
        while !rest.isEmpty {
            let outcome = rest.withUnsafeBytes { bytes in
                Result { () throws(SystemError) -> Transfer in try Transfers.write(descriptor, bytes) }
            }
            // A closed stream is nobody who could be told.
            guard case .success(.bytes(let count)) = outcome, count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
