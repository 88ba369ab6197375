// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import SpawnPlan
import WireProtocol

/// One fork, from the channels of the new process to one that is known to be what it says, in a control group of its own.
///
///     core ── "fork NAME" + descriptors 3, 4, 1 ──▶ preloader ── forks twice ──▶ worker, a child of the core
///     core ◀── "worker NAME", with PID and uid from the kernel ───────────────── worker
///          looks at it, moves it
///     core ── "start" ─────────────────────────────────────────────────────────▶ worker: hooks, listen, "ready"
///
/// For a refork a process that serves gets the order ("refork NAME", with /dev/null in the place of 3), and what it forks
/// says "preloader NAME" and then "preloaded".
///
/// It blocks until then, `ForkDialogue.limit` at most: for a thread of its own. From "start" on the worker is a process like
/// any other.
struct ForkPreparation {
    let options: SpawnerOptions
    let request: SpawnRequest
    let preloader: PreloaderEnds
    let clock = JourneyClock()
    var context: StartContext
    var warnings: [String] = []
    private let role: LoaderProgram.Role
    private var dialogue: ForkDialogue

    /// `role` is that of the process to come.
    init(_ request: SpawnRequest, of preloader: PreloaderEnds, as role: LoaderProgram.Role, options: SpawnerOptions) {
        self.request = request
        self.role = role
        self.preloader = preloader
        self.options = options
        self.context = StartContext(
            id: request.errorID,
            journey: Journey(role == .worker ? .forked : .reforked),
            identity: preloader.identity,
            program: preloader.start.program,
            limits: preloader.start.limits
        )
        self.dialogue = ForkDialogue(
            name: RandomBytes.hexadecimal(8),
            role: role,
            uid: preloader.facts.uid,
            parent: preloader.facts.pid
        )
    }

    mutating func run() -> SpawnPreparation.Outcome {
        self.context.journey.begin(.prepare, at: self.clock.now)
        do throws(SpawnFailure.Cause) {
            let starting = try self.fork()
            return SpawnPreparation.Outcome(result: .success(starting), warnings: self.warnings)
        } catch {
            let failure = self.context.failure(error, at: self.clock.now)
            return SpawnPreparation.Outcome(result: .failure(failure), warnings: self.warnings)
        }
    }

    private mutating func fork() throws(SpawnFailure.Cause) -> StartingProcess {
        var channels = try self.openChannels()
        // Made by us a moment ago, in a directory that is ours alone.
        var isTaken = false
        let socketPath = channels.socketPath
        defer { if !isTaken, !socketPath.isEmpty { try? Files.remove(socketPath) } }
        guard let control = channels.control else {
            throw SpawnFailure.Cause(.internal, .internalError, "the process has no control channel")
        }
        self.context.journey.begin(.fork, at: self.clock.now)
        try self.order(channels.handedOver, answeredOver: control)
        channels.closeChildEnds()
        let handle = try self.adopt(try self.answer(over: control))
        let (facts, enclosure) = try self.move(handle, socketPath: socketPath)
        isTaken = true
        let group = ProcessGroupEnder(handle: handle)
        self.record(facts)
        self.context.journey.begin(.afterFork, at: self.clock.now)
        // A few bytes into an empty socket never block; a process that is gone again is seen by its exit.
        _ = try? Array("start\n".utf8).withUnsafeBytes { try Transfers.send(control.rawValue, $0) }
        return StartingProcess(
            ends: ProcessEnds(
                facts: facts,
                handle: handle,
                control: control,
                output: channels.output,
                ender: enclosure.map { EnclosureEnder(group: group, enclosure: $0) } ?? group,
                records: self.options.records,
                work: self.request.work
            ),
            plan: StartPlan(
                context: self.context,
                clock: self.clock,
                timeout: StartTimeout(
                    limit: self.request.settings.startTimeout,
                    appRoot: self.request.settings.appRoot,
                    userName: self.preloader.identity.userName,
                    interpreter: self.preloader.program.interpreter
                ),
                program: self.preloader.program.forked(as: self.role),
                identity: self.preloader.identity,
                probe: nil
            ),
            launch: nil
        )
    }

    private func openChannels() throws(SpawnFailure.Cause) -> AppChannels {
        do throws(SystemError) {
            return try AppChannels(
                socketDirectory: self.role == .worker ? self.options.appSocketsDirectory : nil,
                backlog: self.options.socketBacklog,
                hasControl: true,
                outputOwner: SpawnPreparation.launchIdentity(self.preloader.identity)
            )
        } catch {
            throw SpawnFailure.Cause(error, doing: "the channels of the process could not be made")
        }
    }

    // MARK: The dialogue

    private mutating func order(
        _ descriptors: [Int32],
        answeredOver control: SharedDescriptor
    ) throws(SpawnFailure.Cause) {
        let bytes = Array(self.dialogue.order.utf8)
        let problem: String?
        do throws(SystemError) {
            try SenderCredentials.ask(of: control.rawValue)
            let sent = try DescriptorPassing.send(
                bytes,
                descriptors: descriptors,
                over: self.preloader.control.rawValue
            )
            problem = sent == bytes.count ? nil : "it reads nothing"
        } catch {
            problem = error.reason
        }
        if let problem { try self.perform(self.dialogue.orderFailed(problem)) }
    }

    /// Waits for the process; returns its PID.
    private mutating func answer(over control: SharedDescriptor) throws(SpawnFailure.Cause) -> Int32 {
        let limit = min(ForkDialogue.limit, self.request.settings.startTimeout)
        while true {
            let ready: [Poll.Readiness]
            do throws(SystemError) {
                ready = try Poll.wait(
                    [(control.rawValue, .readable), (self.preloader.handle.rawValue, .readable)],
                    timeout: max(.zero, limit - self.clock.now)
                )
            } catch {
                throw SpawnFailure.Cause(error, doing: "the preloader's answer cannot be waited for")
            }
            // What was said comes before the end that followed it.
            if !ready[0].isEmpty {
                if let pid = try self.perform(self.receive(over: control)) { return pid }
            } else if !ready[1].isEmpty {
                try self.perform(self.dialogue.preloaderEnded())
            } else {
                try self.perform(self.dialogue.deadlineReached(after: limit))
            }
        }
    }

    private mutating func receive(over control: SharedDescriptor) -> ForkDialogue.Action {
        // A reset is an end as well.
        guard let message = try? SenderCredentials.receive(limit: ForkDialogue.maxLineBytes, from: control.rawValue)
        else { return self.dialogue.channelClosed() }
        guard !message.bytes.isEmpty else { return self.dialogue.channelClosed() }
        return self.dialogue.received(message.bytes, pid: message.sender.pid, uid: message.sender.uid)
    }

    @discardableResult
    private func perform(_ action: ForkDialogue.Action) throws(SpawnFailure.Cause) -> Int32? {
        switch action {
        case .none: return nil
        case .examine(let pid): return pid
        case .failed(let cause): throw cause
        }
    }

    // MARK: The process

    /// Holds the process before anything is asked about it, so that every answer means the same one.
    private mutating func adopt(_ pid: Int32) throws(SpawnFailure.Cause) -> ProcessHandle {
        // Gone already is as good as never there.
        let handle = (try? ProcessHandle.adopting(pid: pid)).flatMap { $0 }
        let process = handle.flatMap { _ in self.look(at: pid) }
        if let cause = self.dialogue.problem(of: process) {
            // Whoever it is, it is left alone; a child that nobody waits for is collected by the reaper.
            throw cause
        }
        guard let handle else { throw SpawnFailure.Cause(.internal, .internalError, "the process is not held") }
        return handle
    }

    private func look(at pid: Int32) -> ForkedProcess? {
        guard let info = ProcInfo(pid: pid) else { return nil }
        return ForkedProcess(
            uids: ProcInfo.uids(of: pid),
            isOwnChild: info.parent == CurrentProcess.pid,
            leadsSession: info.session == pid && info.processGroup == pid,
            isInGroupOfPreloader: self.preloader.facts.leaf.map { leaf in
                ControlGroupPlace.of(pid)?.path.utf8.elementsEqual(leaf.utf8) == true
            }
        )
    }

    /// Into a control group of its own: it must not end with the preloader.
    private mutating func move(
        _ handle: ProcessHandle,
        socketPath: String
    ) throws(SpawnFailure.Cause) -> (AppProcessFacts, Enclosure?) {
        let enclosure = try self.enclose(handle)
        let facts = AppProcessFacts(
            id: self.request.processID,
            pid: handle.pid,
            startTime: ProcInfo(pid: handle.pid)?.startTime ?? 0,
            group: self.request.key,
            generation: self.request.generation,
            appType: self.preloader.facts.appType,
            uid: self.preloader.facts.uid,
            gid: self.preloader.facts.gid,
            userName: self.preloader.facts.userName,
            socketPath: socketPath,
            leaf: enclosure?.path
        )
        return (facts, enclosure)
    }

    private mutating func enclose(_ handle: ProcessHandle) throws(SpawnFailure.Cause) -> Enclosure? {
        guard let groups = self.options.appGroups else { return nil }
        let limits = ProcessLimits(self.request.settings, standard: self.options.limits)
        let outcome = groups.prepare(self.request.key, limits)
        self.warnings += outcome.warnings
        guard let enclosure = outcome.enclosure else {
            // Without one the preloader has none either, as a rule; else its end would be this one's.
            guard self.preloader.facts.leaf != nil else { return nil }
            throw SpawnFailure.Cause(
                .operatingSystem,
                .resources,
                "the forked process got no control group of its own",
                step: .fork
            )
        }
        do throws(SystemError) {
            if let warnings = try groups.take(handle.pid, into: enclosure, of: self.request.key) {
                self.warnings += warnings
                return enclosure
            }
        } catch {
            self.warnings.append("\(error)")
        }
        _ = try? handle.signal(.kill)
        enclosure.end()
        // It ended with the preloader, as a rule: another preloader may do better.
        throw SpawnFailure.Cause(
            .operatingSystem,
            .preloaderFailed,
            "the forked process could not be moved to a control group of its own",
            step: .fork
        )
    }

    /// Only a sweep after a crash of the whole daemon would miss it.
    private mutating func record(_ facts: AppProcessFacts) {
        do {
            try self.options.records?.add(facts)
        } catch {
            self.warnings.append(
                "processes cannot be recorded, so the next daemon could not end them if this one were killed: \(error)"
            )
        }
    }
}

extension LoaderProgram {
    /// The same program in a process that was forked.
    fileprivate func forked(as role: LoaderProgram.Role) -> LoaderProgram {
        var program = self
        program.role = role
        return program
    }
}
