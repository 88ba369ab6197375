// SPDX-License-Identifier: MIT

import AdminTools
import LinuxSystem
import NIOPosix
import SpawnPlan
import WireProtocol

/// `--check-apps`: which apps, logs and document roots a daemon with these flags would refuse, before it is started.
///
/// The apps are those that fronts have declared to the daemon that listens on `--socket-file`, of whatever version it is;
/// each is looked at as a start does up to its launch. Nothing is started, taken or changed.
enum AppsCheck {
    /// The exit status: 0 when nothing would be refused, 1 when something would be, or could not be looked at.
    static func run(_ options: DaemonOptions) -> Int32 {
        // All signals are blocked: without this nothing but SIGKILL would end it.
        let signals = try? SignalStream([.interrupt, .terminate, .hangUp]) { CurrentProcess.exit(128 + $0.rawValue) }
        defer { withExtendedLifetime(signals) {} }
        do {
            let users = try DaemonUsers(options)
            try options.checkPaths()
            let own = Self.ownFiles(options)
            Self.tell(own)
            var client = try AdminClient.connect(path: options.process.socketFile, as: "flying-passenger")
            let declared = try client.apps()
            let examiner = AppExaminer(
                options: SpawnerOptions(checking: options, users),
                policy: PeerPolicy(options, users),
                eventLoop: MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
            )
            let verdicts = declared.apps.map { app in
                let verdict = examiner.verdict(on: app)
                Self.tell([verdict])
                return verdict
            }
            Self.say(AppVerdict.summary(verdicts))
            let areFrontsFine = Self.checkFronts(declared.fronts, daemon: options.process.socketFile)
            return areFrontsFine && !(own + verdicts).contains(where: \.isRefused) ? 0 : 1
        } catch {
            StandardError.write("flying-passenger: \(error)\n")
            return 1
        }
    }

    /// The log and the PID file that the flags name.
    private static func ownFiles(_ options: DaemonOptions) -> [AppVerdict] {
        let log = options.process.logFile.flatMap { path in
            LogFile.problem(at: path).map { Self.refused("--log-file \(path)", $0) }
        }
        let pidFile = options.process.pidFile.flatMap { path in
            PIDFile.problem(at: path).map { Self.refused("--pid-file \(path)", $0) }
        }
        return [log, pidFile].compactMap(\.self)
    }

    private static func refused(_ subject: String, _ problem: SinkProblem) -> AppVerdict {
        AppVerdict(subject: subject, outcome: .refused(problem.reason, remedies: problem.remedies))
    }

    // MARK: Fronts

    /// Logs and document roots are known to the fronts alone.
    private static func checkFronts(_ fronts: [DeclaredFront], daemon socket: String) -> Bool {
        let program = FrontFiles.findProgram()
        return fronts.map { self.check($0, program, daemon: socket) }.allSatisfy(\.self)
    }

    private static func check(_ front: DeclaredFront, _ program: String?, daemon socket: String) -> Bool {
        guard let files = FrontFiles(of: front) else { return true }
        // Another user's front is to be checked with that user's rights.
        guard let program, front.uid == CurrentProcess.effectiveUID else {
            self.say("Logs and document roots are checked, as uid \(front.uid), by: \(files.command)")
            return true
        }
        self.say("\(files.command):")
        do {
            return try files.check(with: program, daemon: socket)
        } catch {
            StandardError.write("flying-passenger: cannot run \(program): \(error)\n")
            return false
        }
    }

    // MARK: Output

    private static func tell(_ verdicts: [AppVerdict]) { for line in verdicts.flatMap(\.lines) { self.say(line) } }

    private static func say(_ line: String) { StandardError.writeOutput(line + "\n") }
}

extension SpawnerOptions {
    /// As far as a preparation needs them that launches nothing.
    init(checking options: DaemonOptions, _ users: DaemonUsers) {
        self.init(
            helperPath: "",
            loadersDirectory: "",
            appSocketsDirectory: "",
            userSwitching: users.switching,
            ownershipCheck: options.users.ownershipCheck,
            trustedOwners: users.trustedOwners,
            serverSoftware: "",
            workerUIDs: users.workerUIDs
        )
    }
}
