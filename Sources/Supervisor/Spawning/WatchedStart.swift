// SPDX-License-Identifier: MIT

import LinuxSystem
import ShownText
import SpawnPlan

/// The start of one process: from its launch, if it has one, to readiness or failure.
///
/// Confined to the watcher's thread.
final class WatchedStart {
    enum Outcome {
        /// `address`: where a program without a loader was found to listen.
        case ready(concurrency: Int, readsFramedBodies: Bool, address: AppAddress?)
        case failed(SpawnFailure)
    }

    private let pid: Int32
    private let plan: StartPlan
    private let loop: EpollLoop
    private let work: WorkBoard.Subject
    private let tell: (Outcome) -> Void
    private var launch: WatchedLaunch?
    private var handshake: Handshake
    private var probe: ListenProbe?
    private var probePause = Duration.milliseconds(5)
    private var probeTimer: EpollLoop.Timer?
    private var deadline: (moment: Duration, timer: EpollLoop.Timer)?
    private var isOver = false

    /// `tell` is called once, from inside one of the other methods or from the loop.
    init(_ starting: StartingProcess, _ room: WatchRoom, tell: @escaping (Outcome) -> Void) {
        self.pid = starting.ends.handle.pid
        self.plan = starting.plan
        self.loop = room.loop
        self.work = starting.ends.work
        self.tell = tell
        self.handshake = Handshake(context: starting.plan.context, timeout: starting.plan.timeout)
        self.probe = starting.plan.probe
        self.launch = starting.launch.map { ends in
            WatchedLaunch(ends, room, work: starting.ends.work) { [weak self] news in self?.take(news) }
        }
    }

    func begin() throws(SystemError) {
        self.setDeadline(self.plan.timeout.limit)
        if let launch = self.launch { try launch.begin() } else { self.startsProbing() }
    }

    var now: Duration { self.plan.clock.now }

    /// What is known of the start by now.
    var context: StartContext { self.handshake.context }

    // MARK: What happens

    /// The launch comes before what the program says, whichever was seen first.
    func catchUpWithLaunch() { self.launch?.read() }

    func received(_ bytes: UnsafeRawBufferPointer) { self.perform(self.handshake.received(bytes, at: self.now)) }

    /// What the process said in one piece with the line that made it ready.
    func takeRest() -> [UInt8] { self.handshake.takeRest() }

    func controlClosed() { self.perform(self.handshake.channelClosed(at: self.now)) }

    func processEnded(_ status: ExitStatus?) {
        self.perform(self.handshake.processEnded(ProcessEnd(status), at: self.now))
    }

    func cannotBeWatched(_ error: SystemError) {
        var cause = SpawnFailure.Cause(error, doing: "the process cannot be watched")
        cause.category = .internal
        self.perform(self.handshake.observedFailure(cause, at: self.now))
    }

    private func take(_ news: WatchedLaunch.News) {
        switch news {
        case .step(let name, let moment):
            self.handshake.launchStepBegan(name, at: self.plan.clock.moment(moment))
            if name == LaunchRecord.executeStep { self.startsProbing() }
        case .told(let environment, let limits): self.handshake.launchTold(environment: environment, limits: limits)
        case .failed(let cause): self.perform(self.handshake.observedFailure(cause, at: self.now))
        case .programRuns:
            let first: Journey.Step = self.plan.program.readiness == .listening ? .listen : .loader
            self.handshake.programStarted(first, at: self.now)
        }
    }

    // MARK: Time

    private func setDeadline(_ moment: Duration) {
        if let old = self.deadline {
            guard moment < old.moment else { return }
            self.loop.cancel(old.timer)
        }
        let timer = self.loop.schedule(at: self.plan.clock.instant(of: moment)) { [weak self] in
            guard let self else { return }
            self.deadline = nil
            WorkBoard.run(self.work) { self.deadlineReached() }
        }
        self.deadline = (moment, timer)
    }

    private func deadlineReached() {
        if let time = ProcessorTime(pid: self.pid) {
            self.handshake.processorTimeRead(.init(used: time.used, waited: time.waited))
        }
        self.perform(self.handshake.deadlineReached(at: self.now))
    }

    /// Nothing listens before the program runs.
    private func startsProbing() {
        if self.probe != nil, self.probeTimer == nil, !self.isOver { self.look() }
    }

    /// Frequent at first, because small servers listen at once, then every tenth of a second.
    private func schedulesNextProbe() {
        let moment = self.plan.clock.instant(of: self.now + self.probePause)
        self.probePause = min(self.probePause * 3 / 2, .milliseconds(100))
        self.probeTimer = self.loop.schedule(at: moment) { [weak self] in
            if let self { WorkBoard.run(self.work) { self.look() } }
        }
    }

    private func look() {
        self.schedulesNextProbe()
        switch self.probe?.look() {
        case nil, .notYet: return
        case .ready(let address):
            let concurrency = self.plan.program.concurrency ?? 0
            self.perform(self.handshake.observedReady(concurrency: concurrency, at: self.now), address: address)
        case .portTaken(let port, let uid):
            let cause = SpawnFailure.Cause(
                .operatingSystem,
                .portTaken,
                "port \(port), which was free and meant for the application, belongs to a process of uid \(uid)",
                remedies: ["Try again; another port will be chosen."]
            )
            self.perform(self.handshake.observedFailure(cause, at: self.now))
        }
    }

    // MARK: The outcome

    private func perform(_ action: Handshake.Action, address: AppAddress? = nil) {
        switch action {
        case .none: return
        case .expectEnd(let limit): self.setDeadline(self.now + limit)
        case .ready(let concurrency, let readsFramedBodies):
            self.end()
            self.tell(
                .ready(
                    concurrency: self.plan.program.concurrency ?? concurrency,
                    readsFramedBodies: readsFramedBodies,
                    address: address
                )
            )
        case .failed(let failure):
            self.end()
            self.tell(.failed(failure))
        }
    }

    private func end() {
        self.isOver = true
        self.launch?.end()
        self.probe = nil
        if let timer = self.probeTimer { self.loop.cancel(timer) }
        if let deadline = self.deadline { self.loop.cancel(deadline.timer) }
        self.deadline = nil
    }
}

extension ProcessEnd {
    init(_ status: ExitStatus?) {
        self =
            switch status {
            case .exited(let code): .exited(code)
            case .signaled(let number, let coreDumped):
                .signaled(Signal(rawValue: number).description, coreDumped: coreDumped)
            case nil: .unknown
            }
    }
}
