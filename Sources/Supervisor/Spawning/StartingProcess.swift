// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan

/// A new process on its way to readiness.
///
/// Three things that end at different times: the launch with its program's execution, the start with readiness, the
/// process when the kernel says so. A process that was forked by one that is ready has no launch.
struct StartingProcess: Sendable {
    let ends: ProcessEnds
    let plan: StartPlan
    let launch: LaunchEnds?
}

/// The daemon's ends of one process, whatever started it.
struct ProcessEnds: Sendable {
    let facts: AppProcessFacts
    let handle: ProcessHandle
    /// The daemon's end of the control channel; nil for programs without a loader.
    let control: SharedDescriptor?
    /// The reading end of the output pipe.
    let output: SharedDescriptor
    let ender: any ProcessEnder
    /// Nil: nothing is kept for the next daemon.
    let records: ProcessRecords?
    /// What threads note that work on it.
    var work = WorkBoard.Subject.none
}

/// A helper that is about to become the program.
struct LaunchEnds: Sendable {
    /// Brings the records of the launch.
    let report: SharedDescriptor
    let diagnosis: LaunchDiagnosis
}

/// How a process comes to readiness, and what is told if it does not.
struct StartPlan: Sendable {
    /// Up to here.
    let context: StartContext
    let clock: JourneyClock
    let timeout: StartTimeout
    let program: LoaderProgram
    let identity: RunningIdentity
    /// Of programs without a loader.
    let probe: ListenProbe?
    /// To be taken back when it is ready; nil: there is nothing to be taken back.
    var priority: StartPriority?
}

/// A port that was free a moment ago.
struct PortChoice: Hashable, Sendable {
    let host: String
    let port: UInt16

    /// Lets the kernel choose, and gives the port back at once for the app to take.
    static func free(on host: String) throws(SystemError) -> PortChoice {
        let listener = try TCPListener.bind(host: host, port: 0, backlog: 1)
        return PortChoice(host: host, port: listener.port)
    }
}

/// Time since a spawn began.
struct JourneyClock: Sendable {
    private let began = MonotonicClock.now

    var now: Duration { .nanoseconds(Int64(clamping: MonotonicClock.now - self.began)) }

    /// A moment of the monotonic clock as somebody else noted it, who may be wrong: never before the spawn, nor to come.
    func moment(_ nanoseconds: UInt64) -> Duration {
        let latest = MonotonicClock.now
        return .nanoseconds(Int64(clamping: min(max(nanoseconds, self.began), latest) - self.began))
    }

    /// The moment of the monotonic clock at which so much time will have passed.
    func instant(of duration: Duration) -> UInt64 {
        let (sum, overflow) = self.began.addingReportingOverflow(UInt64(max(0, duration.wholeNanoseconds)))
        return overflow ? .max : sum
    }
}
