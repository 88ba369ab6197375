// SPDX-License-Identifier: MIT
import AppSettings
import LinuxSystem
import SpawnPlan
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

struct AppWatcherTests {
    /// What became of a process, as the watcher told it.
    private final class Heard: Sendable {
        private let events = Mutex<[AppEvent]>([])

        func note(_ event: AppEvent) { self.events.withLock { $0.append(event) } }

        var first: AppEvent? { self.events.withLock { $0.first } }

        var said: [String] {
            self.events.withLock { events in
                events.compactMap {
                    if case .said(let message) = $0 { "\(message.word)=\(message.value)" } else { nil }
                }
            }
        }

        var end: (status: LinuxSystem.ExitStatus?, wasExpected: Bool)? {
            self.events.withLock { events in
                for case .ended(let status, _, let wasExpected, _) in events { return (status, wasExpected) }
                return nil
            }
        }
    }

    /// A program that was launched as the spawner does it; with a control channel it is one with a loader.
    private func launch(
        _ arguments: [String],
        id: ProcessID = ProcessID(rawValue: 7),
        control: SharedDescriptor? = nil,
        tellsLaunch: Bool = true
    ) throws -> StartingProcess {
        let launched = try Launcher(helperPath: try Launcher.findHelper()).begin(
            LaunchPlan(program: .path(arguments[0]), arguments: arguments)
        )
        if control != nil {
            // What talks does so when it runs: until then the helper has a report to write.
            try eventually("the program to run") { ProcInfo.arguments(of: launched.pid).first == arguments[0] }
        }
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
        let program = LoaderProgram(control == nil ? .generic : .rack, settings: settings, loaders: "/nowhere")
        return StartingProcess(
            ends: ProcessEnds(
                facts: AppProcessFacts(
                    id: id,
                    pid: launched.pid,
                    startTime: ProcInfo(pid: launched.pid)?.startTime ?? 0,
                    group: GroupKey(namespace: .authority, name: "/nowhere"),
                    generation: 0,
                    appType: .generic,
                    uid: uid,
                    gid: uid,
                    userName: "joe",
                    socketPath: "/nowhere/app.sock"
                ),
                handle: launched.handle,
                control: control,
                output: SharedDescriptor(output),
                ender: ProcessGroupEnder(handle: launched.handle),
                records: nil
            ),
            plan: StartPlan(
                context: StartContext(id: ErrorID(1), identity: identity),
                clock: JourneyClock(),
                timeout: StartTimeout(limit: .seconds(90), appRoot: "/nowhere"),
                program: program,
                identity: identity,
                probe: nil
            ),
            launch: tellsLaunch
                ? LaunchEnds(
                    report: launched.report,
                    diagnosis: LaunchDiagnosis(
                        appRoot: "/nowhere",
                        program: program,
                        identity: identity,
                        groupNames: []
                    )
                ) : nil
        )
    }

    @Test func `the second try of a spawn can still be ended once the process of the first is gone`() throws {
        let watcher = try AppWatcher.start { _, _, _ in }
        defer { watcher.stop() }
        let id = ProcessID(rawValue: 7)
        let first = try self.launch(["/bin/sleep", "1000"], id: id)
        let second = try self.launch(["/bin/sleep", "1000"], id: id)
        let (firstPID, secondPID) = (first.ends.facts.pid, second.ends.facts.pid)
        watcher.order(.watch(first) { _ in })
        watcher.order(.watch(second) { _ in })
        _ = try ProcessHandle(pid: firstPID).signal(.kill)
        try eventually("the first is collected") { ProcInfo(pid: firstPID) == nil }
        watcher.order(.kill(id))
        try eventually("the second is collected") { ProcInfo(pid: secondPID) == nil }
    }

    @Test func `nothing is left uncollected when the watcher has stopped`() throws {
        let watcher = try AppWatcher.start { _, _, _ in }
        let tries = try (0..<2).map { _ in try self.launch(["/bin/sleep", "1000"], id: ProcessID(rawValue: 7)) }
        let pids = tries.map(\.ends.facts.pid)
        for starting in tries { watcher.order(.watch(starting) { _ in }) }
        // As the end of a start that has failed does.
        _ = try ProcessHandle(pid: pids[0]).signal(.kill)
        watcher.stop()
        #expect(pids.allSatisfy { ProcInfo(pid: $0) == nil })
    }

    /// Keeps nothing of the process, or its descriptors would stay open; returns its number.
    private func watch(
        _ control: consuming Descriptor,
        tellsLaunch: Bool,
        with watcher: AppWatcher,
        _ heard: Heard
    ) throws -> Int32 {
        let starting = try self.launch(
            ["/bin/sleep", "1000"],
            control: SharedDescriptor(control),
            tellsLaunch: tellsLaunch
        )
        watcher.order(.watch(starting) { heard.note($0) })
        return starting.ends.facts.pid
    }

    @Test(arguments: [true, false])
    func `a process is listened to before and after it is ready, however it was started`(tellsLaunch: Bool) throws {
        let watcher = try AppWatcher.start { _, _, _ in }
        defer { watcher.stop() }
        var pair = try SocketPair.make()
        guard let ours = pair.takeFirst(), let theirs = pair.takeSecond() else {
            throw SystemError(call: "socketpair", code: 0)
        }
        try ours.setNonBlocking()
        let heard = Heard()
        let pid = try self.watch(ours, tellsLaunch: tellsLaunch, with: watcher, heard)
        try theirs.writeAll("ready concurrency=3\nfirst of\\nmany\nsec")
        try eventually("what came along with the ready line") { heard.said == ["first=of\nmany"] }
        guard case .ready(let facts, let context) = heard.first else {
            Issue.record("not ready: \(String(describing: heard.first))")
            return
        }
        #expect(facts.service?.concurrency == 3 && facts.pid == pid)
        #expect(context.journey.entriesWithoutSkipped.last?.step == .ready)
        try theirs.writeAll("ond\n")
        try eventually("what came later") { heard.said == ["first=of\nmany", "second="] }
        watcher.order(.terminate(facts.id))
        try eventually("the end of the control channel") {
            try Poll.wait(theirs.rawValue, for: .readable, timeout: .zero) != []
        }
        watcher.order(.kill(facts.id))
        try eventually("its end") { heard.end != nil }
        #expect(heard.end?.status == .signaled(9, coreDumped: false) && heard.end?.wasExpected == true)
    }

    @Test func `a launch that fails is told once, with its problem`() throws {
        let watcher = try AppWatcher.start { _, _, _ in }
        defer { watcher.stop() }
        let starting = try self.launch(["/no/such/program"])
        let heard = Heard()
        watcher.order(.watch(starting) { heard.note($0) })
        try eventually("the failure") { heard.first != nil }
        guard case .failed(let failure) = heard.first else {
            Issue.record("no failure: \(String(describing: heard.first))")
            return
        }
        #expect(failure.step == .execute && failure.kind == .interpreterMissing)
        try eventually("it is collected") { ProcInfo(pid: starting.ends.facts.pid) == nil }
        #expect(heard.end == nil)
    }

    /// Users of outputs that outlive their processes, the oldest first, and which of them goes.
    @Test(
        arguments: [([], nil), ([5], 0), ([5, 6, 6], 1), ([5, 6, 5, 6], 0), ([5, 7, 6, 7, 6, 7], 1)]
            as [([UInt32], Int?)]
    )
    func `whoever has most outputs that outlive their processes loses the oldest`(users: [UInt32], surplus: Int?) {
        #expect(WatchRoom.surplus(among: users) == surplus)
    }
}
