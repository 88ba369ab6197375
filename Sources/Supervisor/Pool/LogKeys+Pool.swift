// SPDX-License-Identifier: MIT

extension LogKeys {
    /// What a process wrote before it ended.
    static let lastOutput = "last-output"
    /// How long a process lived, from the end of its start.
    static let lived = "lived"
    /// Requests that a process had when it ended.
    static let requestsRunning = "requests-running"
    /// Requests that a process has answered.
    static let requestsServed = "requests-served"
    /// Those that a process had when it ended, the oldest of them.
    static let requests = "requests"
    static let seconds = "seconds"
    /// How long a process has been busy with out-of-band work.
    static let outOfBandWork = "out-of-band-work"
    /// Until the next start, which is held back because processes of the app end young.
    static let nextStart = "next-start-in"
    /// From the order to start a process to its readiness.
    static let spawnTime = "spawn-time"
}
