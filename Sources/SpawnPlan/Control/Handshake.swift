// SPDX-License-Identifier: MIT

import ShownText

/// The daemon's side of a start: what the launch reports, then what the loader says on its control channel, until it is
/// ready.
///
///     state      step line       error line   ready line   channel closed   process ended   deadline   garbage
///     working    journey moves   noted        → ready      → deaf           → failed        → failed   → failed
///                (failed → failed)
///     deaf       –               –            –            –                → failed        → failed   –
///     ready      ignored         ignored      ignored      ignored          ignored         ignored    ignored
///     failed     ignored         ignored      ignored      ignored          ignored         ignored    ignored
///
/// Steps of the launch count as step lines, its failure as a failed step (also when deaf: its channels close with it).
/// Lines are `KEY VALUE`: `step NAME begin|done|failed`, `error category|kind|summary|detail|remedy|command TEXT`,
/// `ready concurrency=N [framing=1]`, from a preloader `preloaded`; other words after that are those of newer loaders. All of
/// it comes from the app's user: bounded, and never more than text.
package struct Handshake: Sendable {
    /// Bytes before readiness; a loader needs a few kilobytes, a long backtrace included.
    package static let maxBytes = 256 * 1024
    package static let maxLineBytes = 128 * 1024
    /// A closed control channel usually means that the process is ending: its exit says more.
    package static let deafLimit = Duration.seconds(1)

    package enum State: Hashable, Sendable {
        /// Leaves by all events but step and error lines.
        case working
        /// The channel is closed, the process still runs. Leaves by process end and deadline.
        case deaf
        case ready(concurrency: Int)
        case failed
    }

    package enum Action: Hashable, Sendable {
        case none
        /// Something else than readiness must come within this time.
        case expectEnd(within: Duration)
        /// `readsFramedBodies`: the loader understands request bodies in chunks on the session transport.
        case ready(concurrency: Int, readsFramedBodies: Bool = false)
        case failed(SpawnFailure)
    }

    package private(set) var state = State.working
    /// What is known of the start by now.
    package private(set) var context: StartContext
    private var lines = LineSplitter(limit: maxLineBytes)
    private var receivedBytes = 0
    private var report = ReportedError()
    private let timeout: StartTimeout

    /// `context` holds what was known before the launch; `timeout` is for the sentence only.
    package init(context: StartContext, timeout: StartTimeout) {
        self.context = context
        self.timeout = timeout
    }

    package var journey: Journey { context.journey }

    package mutating func received(_ bytes: some Collection<UInt8>, at now: Duration) -> Action {
        guard state == .working else { return .none }
        receivedBytes += bytes.count
        guard receivedBytes <= Self.maxBytes else { return garbage("too many bytes", at: now) }
        lines.append(bytes)
        while let line = lines.next() {
            let action = lineReceived(line, at: now)
            if action != .none { return action }
        }
        return lines.isOverlong ? garbage("a line without end", at: now) : .none
    }

    /// What came in one piece with the line that made it ready; belongs to the time after.
    package mutating func takeRest() -> [UInt8] { lines.takeRest() }

    package mutating func channelClosed(at now: Duration) -> Action {
        guard state == .working else { return .none }
        state = .deaf
        return .expectEnd(within: Self.deafLimit)
    }

    package mutating func processEnded(_ end: ProcessEnd, at now: Duration) -> Action {
        guard state == .working || state == .deaf else { return .none }
        let when = hasProgram ? "before it was ready" : "before its program was executed"
        let summary = "\(journey.route.process) \(end) \(when)"
        return fail(SpawnFailure.Cause(.app, end.kind, summary, remedies: end.remedies), at: now)
    }

    package mutating func deadlineReached(at now: Duration) -> Action {
        switch state {
        case .working:
            return fail(timeout.cause(at: journey.current, context.processorTime), at: now)
        case .deaf:
            let summary = "the application closed its control channel (descriptor 4) before it was ready"
            return fail(SpawnFailure.Cause(.app, .protocolViolation, summary), at: now)
        case .ready, .failed: return .none
        }
    }

    /// For programs without a loader: the port listens, or the inherited socket is accepted from.
    package mutating func observedReady(concurrency: Int, at now: Duration) -> Action {
        guard state == .working || state == .deaf else { return .none }
        return becomeReady(concurrency, readsFramedBodies: false, at: now)
    }

    /// Something that the daemon found out by itself, such as a port that belongs to somebody else, or what
    /// `flying-passenger-exec` said of a program that it could not start.
    ///
    /// Nothing that the application says about it counts.
    package mutating func observedFailure(_ cause: SpawnFailure.Cause, at now: Duration) -> Action {
        guard state == .working || state == .deaf else { return .none }
        return end(cause, at: now)
    }
}

// MARK: The launch

extension Handshake {
    /// Whether the program of the app runs, as far as is known.
    package var hasProgram: Bool { journey.current.isOfProgram }

    /// What `flying-passenger-exec` says that it does now; a name that is no step of a journey is passed over.
    package mutating func launchStepBegan(_ name: String, at now: Duration) {
        guard state == .working || state == .deaf, let step = Journey.Step(rawValue: name) else { return }
        context.journey.begin(step, at: now)
    }

    /// The program took the place of `flying-passenger-exec`; its first step is `step`.
    package mutating func programStarted(_ step: Journey.Step, at now: Duration) {
        guard state == .working || state == .deaf, journey.current == .execute else { return }
        context.journey.begin(step, at: now)
    }

    /// What the process has had of the processors by now: a start that takes too long may lack nothing else.
    package mutating func processorTimeRead(_ time: StartContext.ProcessorTime?) { context.processorTime = time }

    /// What the program really gets, as far as `flying-passenger-exec` has told.
    package mutating func launchTold(environment: [EnvironmentVariable], limits: [StartContext.ReportedLimit]) {
        if !environment.isEmpty { context.program?.environment = SecretMask.masked(environment) }
        context.limits = limits
    }
}

extension Handshake {
    private mutating func lineReceived(_ line: [UInt8], at now: Duration) -> Action {
        let text = String(decoding: line, as: UTF8.self)
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let value = words.count == 2 ? words[1] : ""
        switch words[0] {
        case "step": return stepReceived(value, at: now)
        case "error":
            report.note(value)
            return .none
        case "ready" where !journey.route.isOfPreloader: return readyReceived(value, at: now)
        case "preloaded" where journey.route.isOfPreloader:
            return becomeReady(0, readsFramedBodies: false, at: now)
        case "info": return .none
        default: return garbage("the line \"\(text.prefix(80))\"", at: now)
        }
    }

    private mutating func stepReceived(_ value: Substring, at now: Duration) -> Action {
        let words = value.split(separator: " ")
        guard words.count == 2, let step = Journey.Step(rawValue: String(words[0])), step.isOfProgram else {
            return garbage("the line \"step \(value.prefix(80))\"", at: now)
        }
        switch words[1] {
        // The start of the interpreter belongs to it already.
        case "begin" where journey.isInProgress(step): break
        case "begin": context.journey.begin(step, at: now)
        case "done": context.journey.finish(step, at: now)
        case "failed":
            if !journey.isInProgress(step) { context.journey.begin(step, at: now) }
            return fail(SpawnFailure.Cause(.app, nil, "the application reported that it failed"), at: now)
        default: return garbage("the line \"step \(value.prefix(80))\"", at: now)
        }
        return .none
    }

    private mutating func readyReceived(_ value: Substring, at now: Duration) -> Action {
        let words = value.split(separator: " ", omittingEmptySubsequences: false)
        let number = (words.first ?? "").split(separator: "=", omittingEmptySubsequences: false)
        guard number.count == 2, number[0] == "concurrency", let concurrency = Int(number[1]),
            (0...1_000_000).contains(concurrency)
        else { return garbage("the line \"ready \(value.prefix(80))\"", at: now) }
        return becomeReady(concurrency, readsFramedBodies: words.contains("framing=1"), at: now)
    }

    private mutating func becomeReady(_ concurrency: Int, readsFramedBodies: Bool, at now: Duration) -> Action {
        context.journey.begin(.ready, at: now)
        context.journey.finish(.ready, at: now)
        state = .ready(concurrency: concurrency)
        return .ready(concurrency: concurrency, readsFramedBodies: readsFramedBodies)
    }

    private mutating func garbage(_ what: String, at now: Duration) -> Action {
        let summary = "the application wrote to descriptor 4, which belongs to its loader: \(what)"
        return end(SpawnFailure.Cause(.app, .protocolViolation, summary), at: now)
    }

    /// What the loader said about it goes before what the daemon can say.
    private mutating func fail(_ cause: SpawnFailure.Cause, at now: Duration) -> Action {
        end(report.cause(before: cause, in: context), at: now)
    }

    private mutating func end(_ cause: SpawnFailure.Cause, at now: Duration) -> Action {
        let failure = context.failure(cause, at: now)
        context = failure.context
        state = .failed
        return .failed(failure)
    }
}

/// What a loader said about its failure.
///
/// It runs as the app's user: a remedy of it is text, and perhaps the name of a command that the daemon makes.
private struct ReportedError: Sendable {
    var category: SpawnFailure.Category?
    var kind: SpawnFailure.Kind?
    var summary: String?
    var detail = ""
    var advice: [(text: String, command: [String])] = []

    mutating func note(_ value: Substring) {
        let words = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let text = words.count == 2 ? ControlText.unescape(words[1]) : ""
        switch words[0] {
        case "category": category = SpawnFailure.Category(rawValue: text).flatMap { $0.isForLoaders ? $0 : nil }
        case "kind": kind = SpawnFailure.Kind(rawValue: text).flatMap { $0.isForLoaders ? $0 : nil }
        case "summary" where !text.isEmpty: summary = text
        case "detail": detail = text
        case "remedy" where advice.count < 8: advice.append((text, []))
        case "command" where advice.last?.command.isEmpty == true:
            advice[advice.count - 1].command = text.utf8
                .split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
        default: break
        }
    }

    /// What is told, if the daemon by itself would tell `other`.
    func cause(before other: SpawnFailure.Cause, in context: StartContext) -> SpawnFailure.Cause {
        var cause = other
        cause.category = category ?? other.category
        // A loader that said what is wrong, but not of which kind, leaves that to its output.
        cause.kind = summary == nil ? kind ?? other.kind : kind
        cause.summary = summary ?? other.summary
        cause.detail = detail
        if !advice.isEmpty { cause.remedies = remedies(AppShell(context)) }
        return cause
    }

    private func remedies(_ shell: AppShell?) -> [Remedy] {
        advice.map { text, words in
            if words.isEmpty { return Remedy(text) }
            guard let shell, let command = LoaderCommand(words) else { return .withoutCommand(text) }
            return command.remedy(text, in: shell)
        }
    }
}

extension SpawnFailure.Category {
    /// The others have consequences (no log line, another try at once) that an app must not choose.
    fileprivate var isForLoaders: Bool {
        switch self {
        case .internal, .fileSystem, .operatingSystem, .io, .app, .configuration: true
        case .timeout, .noApplication, .cancelled: false
        }
    }
}

extension Journey.Route {
    /// The subject of sentences about how it ended.
    fileprivate var process: String {
        switch self {
        case .direct: "the process"
        case .preloader: "the preloader"
        case .forked: "the process that the preloader had forked"
        case .reforked: "the preloader that a process had forked"
        }
    }
}

extension Duration {
    /// "90", "1.5": for sentences.
    package var seconds: String {
        let (seconds, attoseconds) = components
        let tenths = attoseconds / 100_000_000_000_000_000
        return tenths == 0 ? "\(seconds)" : "\(seconds).\(tenths)"
    }
}
