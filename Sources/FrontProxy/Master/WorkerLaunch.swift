// SPDX-License-Identifier: MIT

import LinuxSystem

/// What a worker is started with.
struct WorkerLaunch: Sendable {
    let bootstrap: WorkerBootstrap
    /// Listeners; kept open until they were sent.
    let descriptors: [SharedDescriptor]
    let account: WorkerAccount
    /// Limit on open files (`worker_rlimit_nofile`); nil: the master's.
    let openFiles: Int?
    /// The program file of the master itself, so that an upgrade on disk does not mix versions.
    let program: SharedDescriptor
    let nullDevice: SharedDescriptor
    /// Whether it may leave a core dump, and be traced.
    let keepsCoreDumps: Bool

    /// Variables of the master that a worker keeps.
    private static let keptVariables = [
        "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "FLYING_PASSENGER_WITHOUT",
    ]

    /// The master's ends of what it shares with a worker.
    struct MasterEnds: Sendable {
        /// Does not block.
        let control: SharedDescriptor
        /// The reading end of its standard output and error; does not block.
        let log: SharedDescriptor
        /// The reading end for lines of access logs; blocks.
        let accessLog: SharedDescriptor
    }

    /// The worker's ends, which the master closes as soon as the worker has them: an end kept open would hide the worker's own.
    struct WorkerEnds: Sendable {
        let control: SharedDescriptor
        let log: SharedDescriptor
        let accessLog: SharedDescriptor
    }

    static func makeEnds() throws(SystemError) -> (master: MasterEnds, worker: WorkerEnds) {
        var pair = try SocketPair.make()
        var log = try Pipe.make()
        var accessLog = try Pipe.make()
        guard let ours = pair.takeFirst(), let theirs = pair.takeSecond(), let logOut = log.takeReadEnd(),
            let logIn = log.takeWriteEnd(), let accessOut = accessLog.takeReadEnd(),
            let accessIn = accessLog.takeWriteEnd()
        else { throw SystemError(call: "socketpair", code: 0) }
        try ours.setNonBlocking()
        DescriptorPassing.refuse(on: ours.rawValue)
        try logOut.setNonBlocking()
        return (
            MasterEnds(
                control: SharedDescriptor(ours),
                log: SharedDescriptor(logOut),
                accessLog: SharedDescriptor(accessOut)
            ),
            WorkerEnds(
                control: SharedDescriptor(theirs),
                log: SharedDescriptor(logIn),
                accessLog: SharedDescriptor(accessIn)
            )
        )
    }

    func launchPlan(_ ends: WorkerEnds) -> LaunchPlan {
        var plan = LaunchPlan(
            program: .open(program.rawValue),
            arguments: ["front-proxy", WorkerProgram.flag]
                + (keepsCoreDumps ? [WorkerProgram.coreDumpsFlag] : []) + account.arguments,
            environment: Self.keptVariables.compactMap { name in
                CurrentProcess.environment(name).map { (name, $0) }
            },
            workingDirectory: .path("/"),
            descriptors: [
                .init(source: nullDevice.rawValue, target: 0),
                .init(source: ends.log.rawValue, target: 1),
                .init(source: ends.log.rawValue, target: 2),
                .init(source: ends.control.rawValue, target: WorkerProgram.channelDescriptor),
                .init(source: ends.accessLog.rawValue, target: WorkerProgram.accessLogDescriptor),
            ],
            umask: 0o077
        )
        // The account is not in the plan: the worker gives up root itself, see WorkerProgram.
        plan.noNewPrivileges = true
        if let openFiles {
            let limit = UInt64(openFiles)
            plan.limits[.openFiles] = Limits.Limit(soft: limit, hard: limit)
        }
        return plan
    }
}
