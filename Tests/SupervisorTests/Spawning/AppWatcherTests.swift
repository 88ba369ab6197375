// SPDX-License-Identifier: MIT
import AppSettings
import LinuxSystem
import SpawnPlan
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

struct AppWatcherTests {
    /// A program that runs until it is killed, as if it had been spawned.
    private func launch(_ id: ProcessID) throws -> LaunchedApp {
        let launched = try Launcher(helperPath: try Launcher.findHelper()).begin(
            LaunchPlan(program: .path("/bin/sleep"), arguments: ["sleep", "1000"])
        )
        var pipe = try Pipe.make()
        guard let output = pipe.takeReadEnd() else { throw SystemError(call: "pipe2", code: 0) }
        try output.setNonBlocking()
        let settings = try AppSettings(SettingsList([.init(name: "app_root", value: "/nowhere")]))
        let uid = CurrentProcess.effectiveUID
        let identity = RunningIdentity(
            userName: "joe",
            groupName: "joe",
            uid: uid,
            gid: uid,
            groups: [],
            account: nil,
            reason: "",
            isSwitched: false,
            restsOnOwnership: false
        )
        let program = LoaderProgram(.generic, settings: settings, loaders: "/nowhere")
        return LaunchedApp(
            facts: LaunchFacts(
                id: id,
                pid: launched.pid,
                app: "/nowhere",
                appType: .generic,
                identity: identity,
                program: program,
                description: SpawnFailure.Program(
                    appRoot: "/nowhere",
                    startupFile: "",
                    kind: "generic",
                    arguments: [],
                    environment: []
                ),
                diagnosis: LaunchDiagnosis(appRoot: "/nowhere", program: program, identity: identity, groupNames: []),
                socketPath: "/nowhere/app.sock",
                port: nil,
                timeout: StartTimeout(limit: .seconds(90), appRoot: "/nowhere"),
                clock: JourneyClock(),
                records: nil
            ),
            handle: launched.handle,
            launchReport: launched.report,
            control: nil,
            output: SharedDescriptor(output),
            listener: nil,
            journey: Journey()
        )
    }

    @Test func `the second try of a spawn can still be ended once the process of the first is gone`() throws {
        let watcher = try AppWatcher.start { _, _, _ in }
        defer { watcher.stop() }
        let id = ProcessID(rawValue: 7)
        let first = try self.launch(id)
        let second = try self.launch(id)
        let (firstPID, secondPID) = (first.facts.pid, second.facts.pid)
        watcher.post(.adopt(first) { _ in })
        watcher.post(.adopt(second) { _ in })
        _ = try ProcessHandle(pid: firstPID).signal(.kill)
        try eventually("the first is collected") { ProcInfo(pid: firstPID) == nil }
        watcher.post(.kill(id))
        try eventually("the second is collected") { ProcInfo(pid: secondPID) == nil }
    }
}
