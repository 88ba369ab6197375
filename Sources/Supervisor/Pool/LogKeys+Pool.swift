// SPDX-License-Identifier: MIT

extension LogKeys {
    /// What a process wrote before it ended.
    static let lastOutput = "last-output"
    static let seconds = "seconds"
}
