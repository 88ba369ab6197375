// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import Logging
import NIOCore
import NIOPosix
import SpawnPlan
import Synchronization
import TestSupport
import WireProtocol

@testable import Supervisor

/// A spawner with everything real around it, for one test.
final class SpawnBench {
    struct Answer: Sendable {
        let result: Result<SpawnedProcess, SpawnFailure>
    }

    let directory: TestDirectory
    let appRoot: String
    let records: ProcessRecords
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let spawner: NIOLoopBound<DirectSpawner>
    private let heard = Heard()

    private var loop: any EventLoop { self.spawner.eventLoop }

    init(
        policy change: (inout UserSwitching.Policy) -> Void = { _ in },
        ownershipCheck: OwnershipCheck = .strict
    ) throws {
        self.directory = try TestDirectory("fp-spawn.")
        self.appRoot = self.directory.file("app")
        try Files.makeDirectory(self.appRoot)
        try Files.makeDirectory(self.directory.file("sockets"), mode: 0o700)
        try LoaderFiles.install(into: self.directory.file("loaders"))
        self.records = ProcessRecords(directory: self.directory.file("sockets"))
        var policy = UserSwitching.Policy(
            daemonUID: CurrentProcess.effectiveUID,
            daemonGID: CurrentProcess.effectiveGID
        )
        change(&policy)
        let options = SpawnerOptions(
            helperPath: try Launcher.findHelper(),
            loadersDirectory: self.directory.file("loaders"),
            appSocketsDirectory: self.directory.file("sockets"),
            userSwitching: policy,
            ownershipCheck: ownershipCheck,
            serverSoftware: "Flying Passenger/test",
            daemonEnvironment: [
                .init(name: "LANG", value: "C.UTF-8"), .init(name: "LD_LIBRARY_PATH", value: "/nowhere"),
            ],
            records: self.records
        )
        let heard = self.heard
        let loop = self.group.next()
        self.spawner = try loop.submit {
            let watcher = try AppWatcher.start { _, pid, line in
                heard.lines.withLock { $0.append("\(pid) " + String(decoding: line, as: UTF8.self)) }
            }
            let spawner = DirectSpawner(
                eventLoop: loop,
                watcher: watcher,
                options: options,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            spawner.onExit = { exit in heard.exits.withLock { $0.append(exit) } }
            spawner.onOutOfBandWorkDone = { id in heard.workDone.withLock { $0.append(id) } }
            return NIOLoopBound(spawner, eventLoop: loop)
        }
        .wait()
    }

    deinit {
        for process in self.heard.started.withLock({ $0 }) { process.process.kill() }
        // Stopped earlier, the watcher would leave zombies, which other tests look for; one that stays is found by those.
        let sockets = self.directory.file("sockets")
        try? eventually("all processes to be collected", within: .seconds(10)) { try Files.list(sockets).isEmpty }
        let spawner = self.spawner
        // Both only fail when the loop has been shut down already.
        try? self.loop.submit { spawner.value.stop() }.wait()
        try? self.group.syncShutdownGracefully()
    }

    /// Writes a file of the app.
    func write(_ text: String, to name: String) throws { try self.directory.write(text, to: "app/\(name)") }

    func give(to user: UserAccount) throws { try TestDirectory.give(self.appRoot, to: user) }

    /// Spawns and waits for what comes of it.
    func spawn(
        _ entries: [(String, String)] = [],
        authority: SettingsAuthority = .full,
        cancelAfter delay: TimeAmount? = nil
    ) throws -> Result<SpawnedProcess, SpawnFailure> {
        let all = [("app_root", self.appRoot)] + entries
        let request = SpawnRequest(
            key: GroupKey(namespace: .authority, name: self.appRoot),
            settings: try AppSettings(SettingsList(all.map { .init(name: $0.0, value: $0.1) })),
            authority: authority,
            processID: ProcessID(rawValue: RandomBytes.nonZeroUInt64())
        )
        let (spawner, loop) = (self.spawner, self.loop)
        return try loop.flatSubmit {
            let promise = loop.makePromise(of: Answer.self)
            let handle = spawner.value.spawn(request) { promise.succeed(Answer(result: $0)) }
            if let delay { loop.assumeIsolated().scheduleTask(in: delay) { handle.cancel() } }
            return promise.futureResult
        }
        .wait().result
    }

    /// Spawns what must come up.
    func start(_ entries: [(String, String)] = []) throws -> SpawnedProcess {
        let process = try self.spawn(entries).get()
        self.heard.started.withLock { $0.append(process) }
        return process
    }

    /// Spawns what must not come up.
    func failure(_ entries: [(String, String)] = []) throws -> SpawnFailure? {
        guard case .failure(let failure) = try self.spawn(entries) else { return nil }
        return failure
    }

    func exit(of process: SpawnedProcess) throws -> ProcessExit {
        try eventually("the end of \(process.pid)") {
            self.heard.exits.withLock { $0.contains { $0.id == process.id } }
        }
        guard let exit = self.heard.exits.withLock({ $0.first { $0.id == process.id } }) else {
            throw Missing()
        }
        return exit
    }

    func output(of process: SpawnedProcess) -> [String] {
        let head = "\(process.pid) "
        return self.heard.lines.withLock { $0 }.filter { $0.hasPrefix(head) }.map { String($0.dropFirst(head.count)) }
    }

    /// How often it has said that its out-of-band work is done.
    func workDone(of process: SpawnedProcess) -> Int {
        self.heard.workDone.withLock { $0.count { $0 == process.id } }
    }

    var allOutput: [String] { self.heard.lines.withLock { $0 } }
}

/// What the watcher and the spawner told.
private final class Heard: Sendable {
    let lines = Mutex<[String]>([])
    let exits = Mutex<[ProcessExit]>([])
    let started = Mutex<[SpawnedProcess]>([])
    let workDone = Mutex<[ProcessID]>([])
}

struct Missing: Error {}
