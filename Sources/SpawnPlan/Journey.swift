// SPDX-License-Identifier: MIT

/// The way of one spawn from decision to readiness, so that a failure says where it happened.
///
/// Instants are durations since the journey began; the caller owns the clock.
package struct Journey: Hashable, Sendable {
    /// The steps in their order; raw values are what loaders write and what log and page show.
    package enum Step: String, Sendable, CaseIterable {
        /// Detection, user decision, socket: the daemon's own part.
        case prepare
        /// `posix_spawn` of `flying-passenger-exec`.
        case start
        /// Groups, ids, limits, proof that root is gone.
        case switchUser = "switch-user"
        case workingDirectory = "working-directory"
        /// Variables of the user's login shell.
        case shell = "shell-environment"
        /// The lines of `env_file`.
        case environmentFile = "environment-file"
        case execute
        /// The preloader forks, and the kernel says who came of it.
        case fork
        /// What the app has to do anew in a process that was forked.
        case afterFork = "after-fork"
        /// The loader runs and reads its settings.
        case loader
        /// Bundler, Rack, WSGI machinery.
        case libraries = "load-libraries"
        case app = "load-app"
        case listen
        case ready

        /// What the app's own process may say something about.
        package var isOfProgram: Bool {
            switch self {
            case .prepare, .start, .switchUser, .workingDirectory, .shell, .environmentFile, .execute, .fork: false
            case .afterFork, .loader, .libraries, .app, .listen, .ready: true
            }
        }
    }

    /// Which steps there are.
    package enum Route: Hashable, Sendable {
        /// To a process that loads the app itself.
        case direct
        /// To a process that loads the app for others.
        case preloader
        /// From there to one that serves.
        case forked
        /// From a process that serves to one that has loaded the app for others.
        case reforked

        /// Whether it leads to one that forks others.
        package var isOfPreloader: Bool {
            switch self {
            case .preloader, .reforked: true
            case .direct, .forked: false
            }
        }

        var steps: [Step] {
            switch self {
            case .direct: Step.allCases.filter { $0 != .fork && $0 != .afterFork }
            case .preloader: Self.direct.steps.filter { $0 != .listen }
            case .forked: [.prepare, .fork, .afterFork, .listen, .ready]
            case .reforked: [.prepare, .fork, .afterFork, .ready]
            }
        }
    }

    package enum State: String, Sendable {
        case notStarted = "not started"
        case inProgress = "in progress"
        case done
        case failed
    }

    package struct Entry: Hashable, Sendable {
        package let step: Step
        package fileprivate(set) var state: State = .notStarted
        package fileprivate(set) var began: Duration?
        package fileprivate(set) var duration: Duration?
    }

    package private(set) var route: Route
    package private(set) var entries: [Entry]

    package init(_ route: Route = .direct) {
        self.route = route
        entries = route.steps.map { Entry(step: $0) }
    }

    /// What the process is to be has turned out: the steps that both ways have stay as they are.
    package mutating func follow(_ route: Route) {
        let old = entries
        self.route = route
        entries = route.steps.map { step in old.first { $0.step == step } ?? Entry(step: step) }
    }

    /// The step that is or was under way last; `prepare` before anything began.
    package var current: Step {
        entries.last { $0.state != .notStarted }?.step ?? .prepare
    }

    /// Without the steps that this journey did not need, such as a login shell that is not asked.
    package var entriesWithoutSkipped: [Entry] {
        let last = entries.lastIndex { $0.state != .notStarted } ?? entries.startIndex
        return entries.enumerated().compactMap { $0 < last && $1.state == .notStarted ? nil : $1 }
    }

    /// The first failed step.
    package var failed: Step? { entries.first { $0.state == .failed }?.step }

    package func isInProgress(_ step: Step) -> Bool {
        entries.contains { $0.step == step && $0.state == .inProgress }
    }

    /// Starts `step`; an earlier step still in progress is done by that.
    package mutating func begin(_ step: Step, at now: Duration) {
        for index in entries.indices where entries[index].state == .inProgress {
            end(index, .done, at: now)
        }
        update(step) { entry in
            entry.state = .inProgress
            entry.began = now
            entry.duration = nil
        }
    }

    package mutating func finish(_ step: Step, at now: Duration) {
        guard let index = entries.firstIndex(where: { $0.step == step }) else { return }
        end(index, .done, at: now)
    }

    package mutating func fail(_ step: Step, at now: Duration) {
        guard let index = entries.firstIndex(where: { $0.step == step }) else { return }
        end(index, .failed, at: now)
    }

    private mutating func end(_ index: Int, _ state: State, at now: Duration) {
        entries[index].state = state
        let began = entries[index].began ?? now
        entries[index].began = began
        entries[index].duration = now > began ? now - began : .zero
    }

    private mutating func update(_ step: Step, _ body: (inout Entry) -> Void) {
        guard let index = entries.firstIndex(where: { $0.step == step }) else { return }
        body(&entries[index])
    }
}
