// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan
import WireProtocol

/// The loop of the watcher's thread.
final class AppWatchLoop {
    static let wakeToken = UInt64.max

    /// Which descriptor of a process an event is about; the lowest bits of its token.
    private enum Channel: UInt64 {
        case exit, control, output, launch
    }

    /// Reads per event: a flood of one app leaves time for the others.
    private static let readsPerTurn = 4
    private static let chunkBytes = 64 * 1024
    /// What a process left in its pipe when it ended: a pipe holds 64 KiB, more is written by others.
    private static let readsAtExit = 16
    /// Output pipes that outlive their process, kept for descendants; beyond, the oldest is closed.
    private static let maxOrphanedOutputs = 64

    private let epoll: WatchEpoll
    private let watcher: AppWatcher
    private let sink: AppWatcher.OutputSink
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 16)
    private var apps: [UInt64: WatchedApp] = [:]
    private var serials: [ProcessID: UInt64] = [:]
    private var starting: Set<UInt64> = []
    private var orphanedOutputs: [UInt64] = []
    private var lastSerial: UInt64 = 0
    private var isStopping = false

    init(_ epoll: WatchEpoll, _ watcher: AppWatcher, _ sink: @escaping AppWatcher.OutputSink) {
        self.epoll = epoll
        self.watcher = watcher
        self.sink = sink
    }

    deinit { self.chunk.deallocate() }

    func run(failed: CoreFailure.Handler = { CoreFailure.end($0, $1) }) {
        var events = Epoll.EventBuffer(capacity: 256)
        while !self.isStopping {
            let pause = self.starting.compactMap { self.apps[$0]?.pause }.min()
            // Rounded up, or a wait for the last half millisecond would spin.
            let timeout = pause.map { $0 + .milliseconds(1) }
            let count: Int
            do {
                count = try self.epoll.epoll.wait(&events, timeout: timeout)
            } catch {
                return failed("waiting for application processes failed", error)
            }
            for index in 0..<count { self.handle(events[index]) }
            for serial in self.starting { self.checkStart(serial) }
        }
    }

    private func handle(_ event: Epoll.Event) {
        if event.token == Self.wakeToken {
            for command in self.watcher.takeCommands() { self.carryOut(command) }
            return
        }
        let serial = event.token >> 2
        guard let app = self.apps[serial], let channel = Channel(rawValue: event.token & 3) else { return }
        switch channel {
        case .exit: self.processEnded(app, serial)
        case .control: self.readControl(app, serial)
        case .output: self.readOutput(app, serial, reads: Self.readsPerTurn)
        case .launch: self.readLaunch(app, serial)
        }
    }

    private func carryOut(_ command: AppWatcher.Command) {
        switch command {
        case .adopt(let app, let report): self.adopt(app, report)
        case .terminate(let id):
            if let app = self.serials[id].flatMap({ self.apps[$0] }) { self.terminate(app) }
        case .kill(let id):
            if let app = self.serials[id].flatMap({ self.apps[$0] }) { self.kill(app) }
        case .stop: self.isStopping = true
        }
    }

    private func adopt(_ launched: LaunchedApp, _ report: @escaping @Sendable (AppEvent) -> Void) {
        self.lastSerial += 1
        let serial = self.lastSerial
        let app = WatchedApp(launched, report: report)
        self.apps[serial] = app
        self.serials[app.facts.id] = serial
        self.starting.insert(serial)
        let channels: [(Int32?, Channel)] = [
            // First, so that the end is told whatever else fails.
            (app.handle.rawValue, .exit), (app.output?.rawValue, .output), (app.launchReport?.rawValue, .launch),
            (app.control?.rawValue, .control),
        ]
        do throws(SystemError) {
            for case (let descriptor?, let channel) in channels {
                try self.epoll.epoll.add(descriptor, for: .readable, token: serial << 2 | channel.rawValue)
            }
        } catch {
            let summary = "the process cannot be watched: \(error.description)"
            self.perform(
                app.handshake.observedFailure(
                    .internal,
                    kind: error.isOutOfResources ? .resources : .internalError,
                    summary: summary,
                    remedies: SpawnProblem.remedies(forCode: error.code),
                    at: app.now
                ),
                app,
                serial
            )
        }
    }
}

// MARK: Starting

extension AppWatchLoop {
    private func checkStart(_ serial: UInt64) {
        guard let app = self.apps[serial] else {
            self.starting.remove(serial)
            return
        }
        if let next = app.nextProbe, next <= app.now { self.look(app, serial) }
        if let deadline = app.deadline, deadline <= app.now {
            self.perform(app.handshake.deadlineReached(at: app.now), app, serial)
        }
    }

    private func look(_ app: WatchedApp, _ serial: UInt64) {
        app.schedulesNextProbe()
        switch app.probe?.look() {
        case nil, .notYet: return
        case .ready(let address):
            let concurrency = app.facts.program.concurrency ?? 0
            let action = app.handshake.observedReady(concurrency: concurrency, at: app.now)
            self.perform(action, app, serial, address: address)
        case .portTaken(let uid):
            let port = app.facts.port?.port ?? 0
            let action = app.handshake.observedFailure(
                .operatingSystem,
                kind: .portTaken,
                summary:
                    "port \(port), which was free and meant for the application, belongs to a process of uid \(uid)",
                remedies: ["Try again; another port will be chosen."],
                at: app.now
            )
            self.perform(action, app, serial, mayTryAnotherPort: true)
        }
    }

    func perform(
        _ action: Handshake.Action,
        _ app: WatchedApp,
        _ serial: UInt64,
        address: AppAddress? = nil,
        mayTryAnotherPort: Bool = false
    ) {
        switch action {
        case .none: return
        case .expectEnd(let limit): app.deadline = min(app.deadline ?? limit, app.now + limit)
        case .ready(let concurrency, let readsFramedBodies):
            self.endStart(app, serial, .serving)
            app.report(
                .ready(
                    concurrency: app.facts.program.concurrency ?? concurrency,
                    readsFramedBodies: readsFramedBodies,
                    address: address ?? .unix(path: app.facts.socketPath),
                    start: StartRecord(program: app.description, limits: app.limits, journey: app.handshake.journey)
                )
            )
        case .failed(let failure):
            // What it printed about it is on its way already.
            self.readOutput(app, serial, reads: Self.readsAtExit)
            self.endStart(app, serial, .failed)
            self.kill(app)
            app.report(
                .failed(
                    StartFailure(
                        failure: failure,
                        journey: app.handshake.journey,
                        output: app.lines.tail.text,
                        program: app.description,
                        limits: app.limits,
                        mayTryAnotherPort: mayTryAnotherPort
                    )
                )
            )
        }
    }

    private func endStart(_ app: WatchedApp, _ serial: UInt64, _ life: WatchedApp.Life) {
        app.life = life
        self.forget(&app.launchReport)
        app.stopsStarting()
        self.starting.remove(serial)
    }

    /// After readiness nothing is expected on the channel yet; what comes is read and forgotten.
    private func readControl(_ app: WatchedApp, _ serial: UInt64) {
        // The launch comes first, whichever channel was seen first.
        self.readLaunch(app, serial)
        guard let control = app.control else { return }
        switch try? Transfers.read(control.rawValue, into: self.chunk) {
        case .bytes(let count):
            let bytes = UnsafeRawBufferPointer(rebasing: self.chunk[..<count])
            self.perform(app.handshake.received(bytes, at: app.now), app, serial)
        case .wouldBlock: return
        case .endOfStream, nil:
            // It stays open for writing no longer than the process wants it, but there is nothing to be read again.
            self.closeControl(app)
            self.perform(app.handshake.channelClosed(at: app.now), app, serial)
        }
    }
}

// MARK: Output

extension AppWatchLoop {
    private func readOutput(_ app: WatchedApp, _ serial: UInt64, reads: Int) {
        for _ in 0..<reads {
            guard let output = app.output else { return }
            switch try? Transfers.read(output.rawValue, into: self.chunk) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: self.chunk[..<count])
                app.lines.received(bytes, at: app.now) { self.log($0, app) }
                // A short read has emptied the pipe.
                if count < self.chunk.count { return }
            case .wouldBlock: return
            case .endOfStream, nil:
                self.closeOutput(app, serial)
            }
        }
    }

    private func log(_ item: OutputLines.Item, _ app: WatchedApp) {
        switch item {
        case .line(let line): self.sink(app.facts.app, app.facts.pid, line)
        case .dropped(let count):
            let note = "[\(count) lines left out: the application prints more than is logged]"
            self.sink(app.facts.app, app.facts.pid, Array(note.utf8))
        }
    }

    private func closeOutput(_ app: WatchedApp, _ serial: UInt64) {
        app.lines.finish { self.log($0, app) }
        self.forget(&app.output)
        if app.life == .collected { self.remove(serial) }
    }

    private func closeControl(_ app: WatchedApp) { self.forget(&app.control) }

    func forget(_ descriptor: inout SharedDescriptor?) {
        // Not registered only if registering it failed.
        if let number = descriptor?.rawValue { try? self.epoll.epoll.remove(number) }
        descriptor = nil
    }
}

// MARK: End

extension AppWatchLoop {
    /// Programs with a loader see the end of file on their control channel; others get the usual signal.
    private func terminate(_ app: WatchedApp) {
        app.wasAskedToEnd = true
        guard app.life == .serving else { return self.kill(app) }
        if app.control != nil {
            self.closeControl(app)
        } else {
            // Gone already: its pidfd tells next.
            _ = try? app.handle.signal(.terminate)
        }
    }

    /// The leader has not been collected, so its group's number means no other group.
    private func kill(_ app: WatchedApp) {
        app.wasAskedToEnd = true
        guard app.life != .collected else { return }
        _ = try? ProcessGroup.signal(app.facts.pid, .kill)
        _ = try? app.handle.signal(.kill)
    }

    private func processEnded(_ app: WatchedApp, _ serial: UInt64) {
        guard app.life != .collected else { return }
        // In this order: what it said, what it printed, and only then that it is gone.
        if app.life == .starting { self.readControl(app, serial) }
        self.readOutput(app, serial, reads: Self.readsAtExit)
        // Before the leader is collected, while its number cannot be used again.
        _ = try? ProcessGroup.signal(app.facts.pid, .kill)
        // Somebody else collected it: then the kernel does not tell us how it ended.
        let status = (try? app.handle.collect()).flatMap { $0 }
        try? self.epoll.epoll.remove(app.handle.rawValue)
        if app.life == .starting {
            self.perform(app.handshake.processEnded(ProcessEnd(status), at: app.now), app, serial)
        }
        let wasServing = app.life == .serving
        app.life = .collected
        self.closeControl(app)
        // Another try of the same spawn may have the number by now.
        if self.serials[app.facts.id] == serial { self.serials[app.facts.id] = nil }
        // The front may have removed nothing: the file is ours, in a directory of ours.
        try? Files.remove(app.facts.socketPath)
        app.facts.records?.remove(pid: app.facts.pid)
        if wasServing {
            app.report(.ended(status, wasExpected: app.wasAskedToEnd, lastOutput: app.lines.tail.text))
        }
        self.keepOutput(app, serial)
    }

    private func keepOutput(_ app: WatchedApp, _ serial: UInt64) {
        guard app.output != nil else { return self.remove(serial) }
        self.orphanedOutputs.append(serial)
        guard self.orphanedOutputs.count > Self.maxOrphanedOutputs else { return }
        let oldest = self.orphanedOutputs[0]
        if let app = self.apps[oldest] { self.closeOutput(app, oldest) }
    }

    private func remove(_ serial: UInt64) {
        self.apps[serial] = nil
        self.starting.remove(serial)
        self.orphanedOutputs.removeAll { $0 == serial }
    }
}
