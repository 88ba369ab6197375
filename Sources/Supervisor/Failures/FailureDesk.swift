// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import SpawnPlan

/// Has failures filed elsewhere, one after the other, and never lets the core wait for it.
///
///     idle ──report──▶ working ──answer──▶ idle, or the next one
///                        │ patience is over: what waits is answered without file and names
///                        ▼
///                      stuck ──answer──▶ idle; until then everything is answered at once
///
/// Confined to the core loop.
final class FailureDesk {
    /// A disk or an account database that takes longer is not waited for.
    static let patience = TimeAmount.seconds(1)
    /// Failures that wait; more are answered at once.
    static let limit = 16

    private final class Job {
        let failure: SpawnFailure
        let app: FailedApp
        let time: FailureTime
        /// From the report on, not from when its turn comes: its requests have waited all the time.
        let deadline: NIODeadline
        private var completion: ((FailureFiling.Outcome) -> Void)?

        init(
            _ failure: SpawnFailure,
            of app: FailedApp,
            at time: FailureTime,
            until deadline: NIODeadline,
            _ completion: @escaping (FailureFiling.Outcome) -> Void
        ) {
            self.failure = failure
            self.app = app
            self.time = time
            self.deadline = deadline
            self.completion = completion
        }

        /// Whoever is first answers.
        func answer(_ outcome: @autoclosure () -> FailureFiling.Outcome) {
            guard let completion else { return }
            self.completion = nil
            completion(outcome())
        }
    }

    private enum State {
        /// Leaves by `report`.
        case idle
        /// Leaves by the answer, or by `patienceEnded`.
        case working(Job, Scheduled<Void>)
        /// Leaves by the answer.
        case stuck
    }

    private let eventLoop: any EventLoop
    private let work: any OffLoopWork
    private let filing: FailureFiling
    private let logger: Logger
    private var state = State.idle
    private var waiting: [Job] = []
    /// Why the last file could not be written; each reason is logged once in a row.
    private var lastProblem: String?

    /// `directory` is where details files go; nil: nowhere.
    init(eventLoop: any EventLoop, work: any OffLoopWork, directory: String?, logger: Logger) {
        self.eventLoop = eventLoop
        self.work = work
        self.filing = FailureFiling(files: directory.map { DetailsFiles(directory: $0) })
        self.logger = logger
    }

    /// Calls `completion` once, on the loop, maybe from within this call.
    func report(
        _ failure: SpawnFailure,
        of app: FailedApp,
        at time: FailureTime,
        completion: @escaping (FailureFiling.Outcome) -> Void
    ) {
        let job = Job(failure, of: app, at: time, until: self.eventLoop.now + Self.patience, completion)
        switch self.state {
        case .idle: self.start(job)
        case .working where self.waiting.count < Self.limit: self.waiting.append(job)
        case .working, .stuck: self.answerAtOnce(job)
        }
    }

    private func start(_ job: Job) {
        let loop = self.eventLoop.assumeIsolated()
        let timer: Scheduled<Void> = loop.scheduleTask(deadline: job.deadline) { [weak self] in
            if let self { self.patienceEnded() }
        }
        self.state = .working(job, timer)
        let (failure, app, time, filing) = (job.failure, job.app, job.time, self.filing)
        let isStarted = self.work.run {
            filing.file(failure, of: app, at: time)
        } completion: { [weak self] outcome in
            self?.filed(job, outcome)
        }
        guard !isStarted else { return }
        timer.cancel()
        self.state = .idle
        self.answerAtOnce(job)
        self.startNext()
    }

    private func filed(_ job: Job, _ outcome: FailureFiling.Outcome) {
        if case .working(_, let timer) = self.state { timer.cancel() }
        self.state = .idle
        self.note(outcome)
        job.answer(outcome)
        self.startNext()
    }

    private func startNext() {
        guard case .idle = self.state, !self.waiting.isEmpty else { return }
        self.start(self.waiting.removeFirst())
    }

    private func patienceEnded() {
        guard case .working(let job, _) = self.state else { return }
        self.state = .stuck
        let jobs = [job] + self.waiting
        self.waiting = []
        for job in jobs { self.answerAtOnce(job) }
    }

    private func answerAtOnce(_ job: Job) {
        let outcome = self.filing.fileAtOnce(job.failure, of: job.app, at: job.time)
        self.note(outcome)
        job.answer(outcome)
    }

    private func note(_ outcome: FailureFiling.Outcome) {
        guard let problem = outcome.fileProblem else {
            if outcome.filed.file != nil { self.lastProblem = nil }
            return
        }
        guard self.lastProblem != problem else { return }
        self.lastProblem = problem
        self.logger.error("details of a failure cannot be written to a file", metadata: [LogKeys.reason: "\(problem)"])
    }
}
