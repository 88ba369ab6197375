// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import SpawnPlan
import Testing

@Suite struct HandshakeTests {
    private func handshake() -> Handshake {
        self.handshake(StartTimeout(limit: .seconds(90), appRoot: "/webapps/foo"))
    }

    private func handshake(_ timeout: StartTimeout) -> Handshake {
        Handshake(context: StartContext(id: ErrorID(1)), timeout: timeout)
    }

    private func failure(_ action: Handshake.Action) -> SpawnFailure? {
        guard case .failed(let failure) = action else { return nil }
        return failure
    }

    // MARK: Preloaders

    @Test func `a preloader says that it has loaded the app, and nobody else does`() {
        for (route, word, isReady) in [
            (Journey.Route.preloader, "preloaded", true), (.preloader, "ready concurrency=1", false),
            (.direct, "preloaded", false), (.forked, "preloaded", false), (.forked, "ready concurrency=1", true),
        ] {
            let context = StartContext(id: ErrorID(1), journey: Journey(route))
            var handshake = Handshake(context: context, timeout: StartTimeout(limit: .seconds(90), appRoot: "/a"))
            let action = handshake.received(Array("\(word)\n".utf8), at: .seconds(1))
            #expect((failure(action) == nil) == isReady, "\(route) \(word)")
            #expect(handshake.journey.failed == nil || !isReady)
        }
    }

    @Test(arguments: [
        (Journey.Route.direct, "the process ended"), (.preloader, "the preloader ended"),
        (.forked, "the process that the preloader had forked ended"),
    ])
    func `who ended is said by the way that it went`(route: Journey.Route, text: String) {
        var journey = Journey(route)
        journey.begin(route == .forked ? .afterFork : .loader, at: .zero)
        let context = StartContext(id: ErrorID(1), journey: journey)
        var handshake = Handshake(context: context, timeout: StartTimeout(limit: .seconds(90), appRoot: "/a"))
        let summary = failure(handshake.processEnded(.exited(3), at: .seconds(1)))?.summary
        #expect(summary == "\(text) with exit code 3 before it was ready")
    }

    @Test func `steps of other ways are passed over`() {
        var handshake = handshake()
        #expect(handshake.received(Array("step after-fork begin\n".utf8), at: .zero) == .none)
        #expect(!handshake.journey.entries.contains { $0.step == .afterFork })
        #expect(failure(handshake.received(Array("step fork begin\n".utf8), at: .zero)) != nil)
    }

    // MARK: The table

    enum Event: CaseIterable { case step, stepFailed, errorLine, ready, closed, ended, deadline, garbage }

    private func apply(_ event: Event, to handshake: inout Handshake) -> Handshake.Action {
        switch event {
        case .step: handshake.received(Array("step load-app begin\n".utf8), at: .seconds(1))
        case .stepFailed: handshake.received(Array("step load-app failed\n".utf8), at: .seconds(1))
        case .errorLine: handshake.received(Array("error summary no\n".utf8), at: .seconds(1))
        case .ready: handshake.received(Array("ready concurrency=1\n".utf8), at: .seconds(1))
        case .closed: handshake.channelClosed(at: .seconds(1))
        case .ended: handshake.processEnded(.exited(1), at: .seconds(1))
        case .deadline: handshake.deadlineReached(at: .seconds(1))
        case .garbage: handshake.received(Array("hello\n".utf8), at: .seconds(1))
        }
    }

    @Test(arguments: Event.allCases)
    func `from working, each event leads where the table says`(event: Event) {
        var handshake = handshake()
        let action = apply(event, to: &handshake)
        switch event {
        case .step, .errorLine:
            #expect(action == .none && handshake.state == .working)
        case .ready:
            #expect(action == .ready(concurrency: 1) && handshake.state == .ready(concurrency: 1))
        case .closed:
            #expect(action == .expectEnd(within: Handshake.deafLimit) && handshake.state == .deaf)
        case .stepFailed, .ended, .deadline, .garbage:
            #expect(failure(action) != nil && handshake.state == .failed)
        }
    }

    @Test(arguments: Event.allCases)
    func `once deaf, only the end and the deadline count`(event: Event) {
        var handshake = handshake()
        _ = handshake.channelClosed(at: .zero)
        let action = apply(event, to: &handshake)
        #expect((failure(action) != nil) == (event == .ended || event == .deadline))
    }

    @Test(arguments: Event.allCases)
    func `nothing follows readiness or failure`(event: Event) {
        var ready = handshake()
        _ = apply(.ready, to: &ready)
        #expect(apply(event, to: &ready) == .none)
        var failed = handshake()
        _ = apply(.deadline, to: &failed)
        #expect(apply(event, to: &failed) == .none)
        #expect(failed.observedReady(concurrency: 1, at: .zero) == .none)
    }

    // MARK: Content

    @Test func `steps become a journey with durations`() {
        var handshake = handshake()
        _ = handshake.received(Array("step loader begin\nstep loa".utf8), at: .seconds(1))
        _ = handshake.received(Array("der done\nstep load-app begin\n".utf8), at: .seconds(3))
        _ = handshake.received(Array("step load-app done\nready concurrency=0\n".utf8), at: .seconds(4))
        let entries = handshake.journey.entries.filter { $0.state != .notStarted }
        #expect(entries.map(\.step) == [.loader, .app, .ready])
        #expect(entries.map(\.duration) == [.seconds(2), .seconds(1), .zero])
        #expect(entries.allSatisfy { $0.state == .done })
    }

    @Test func `what the loader says about a failure is what is told`() {
        var handshake = handshake()
        let text = """
            step load-app begin
            error category app
            error summary NameError: no\\\\thing
            error remedy Define it.
            error detail line 1\\nline 2
            step load-app failed

            """
        let failure = failure(handshake.received(Array(text.utf8), at: .seconds(1)))
        #expect(
            failure?.cause
                == SpawnFailure.Cause(
                    .app,
                    nil,
                    "NameError: no\\thing",
                    detail: "line 1\nline 2",
                    remedies: ["Define it."]
                )
        )
        #expect(failure?.step == .app && failure?.context == handshake.context)
        #expect(handshake.journey.failed == .app)
    }

    @Test func `a remedy may have a command of the daemon's, never one of the app's`() {
        let program = StartContext.Program(
            appRoot: "/webapps/foo",
            startupFile: "config.ru",
            kind: "rack",
            arguments: ["ruby", "loader.rb"],
            environment: []
        )
        let text = """
            error command memory
            error remedy Whose it is:
            error command list\\n/srv/x
            error command memory
            error remedy Type:
            error command rm\\n/
            error remedy Plain: rm -rf /
            step load-app failed

            """
        let known = StartContext(id: ErrorID(1), program: program)
        for context in [known, StartContext(id: ErrorID(1))] {
            var handshake = Handshake(
                context: context,
                timeout: StartTimeout(limit: .seconds(90), appRoot: "/webapps/foo")
            )
            let remedies = failure(handshake.received(Array(text.utf8), at: .zero))?.remedies
            let first = context == known ? Remedy("Whose it is:", shell: "ls -ld /srv/x") : Remedy("Whose it is.")
            #expect(remedies == [first, Remedy("Type."), Remedy("Plain: rm -rf /")])
        }
    }

    @Test(arguments: ["no-application", "cancelled", "timeout", "nonsense"])
    func `an app cannot choose what follows from its failure`(category: String) {
        var handshake = handshake()
        let text = "error category \(category)\nstep load-app failed\n"
        #expect(failure(handshake.received(Array(text.utf8), at: .seconds(1)))?.category == .app)
    }

    @Test func `an early end names how, a deadline the setting`() {
        var ended = handshake()
        _ = ended.received(Array("step load-app begin\n".utf8), at: .zero)
        #expect(
            failure(ended.processEnded(.exited(3), at: .zero))?.summary
                == "the process ended with exit code 3 before it was ready"
        )
        var late = handshake()
        _ = late.received(Array("step load-app begin\n".utf8), at: .zero)
        let failure = failure(late.deadlineReached(at: .seconds(90)))
        #expect(failure?.category == .timeout)
        #expect(failure?.summary.contains("90 seconds (passenger_start_timeout)") == true)
    }

    @Test(arguments: [
        "", " ", "step", "step x begin", "step load-app", "step load-app perhaps", "ready", "ready concurrency=",
        "ready concurrency=-1", "ready concurrency=1000001", "GET / HTTP/1.1", "\u{0}",
    ])
    func `lines that no loader writes end the start`(line: String) {
        var handshake = handshake()
        #expect(failure(handshake.received(Array("\(line)\n".utf8), at: .zero)) != nil)
    }

    @Test func `neither a line without end nor endless lines are kept`() {
        var endless = handshake()
        let part = Array(repeating: UInt8(ascii: "x"), count: 64 * 1024)
        var action = Handshake.Action.none
        for _ in 0..<3 where action == .none { action = endless.received(part, at: .zero) }
        #expect(failure(action)?.summary.contains("a line without end") == true)

        var many = handshake()
        let lines = Array(String(repeating: "info x\n", count: 10_000).utf8)
        action = .none
        for _ in 0..<5 where action == .none { action = many.received(lines, at: .zero) }
        #expect(failure(action)?.summary.contains("too many bytes") == true)
    }

    @Test func `any cut of a good conversation gives the same`() {
        let bytes = Array("step loader begin\nstep loader done\nerror summary x\nready concurrency=7\n".utf8)
        for cut in 0...bytes.count {
            var handshake = handshake()
            var last = handshake.received(bytes[..<cut], at: .zero)
            if cut < bytes.count { last = handshake.received(bytes[cut...], at: .zero) }
            #expect(last == .ready(concurrency: 7))
        }
    }

    @Test func `random bytes never get far`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var handshake = handshake()
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let action = handshake.received(bytes, at: .zero)
            #expect(action == .none || failure(action) != nil)
        }
    }

    @Test func `observations stand for programs without a loader`() {
        var served = handshake()
        #expect(served.observedReady(concurrency: 0, at: .zero) == .ready(concurrency: 0))
        var taken = handshake()
        _ = taken.received(Array("error summary mine\nerror remedy Mine.\n".utf8), at: .zero)
        let cause = SpawnFailure.Cause(.operatingSystem, .portTaken, "port taken", remedies: ["Again."])
        #expect(failure(taken.observedFailure(cause, at: .zero))?.cause == cause)
    }

    // MARK: Kinds

    @Test func `each failure has its kind`() {
        func kind(_ change: (inout Handshake) -> Handshake.Action) -> SpawnFailure.Kind? {
            var handshake = handshake()
            return failure(change(&handshake))?.kind
        }
        #expect(kind { $0.processEnded(.exited(1), at: .zero) } == .earlyExit)
        #expect(kind { $0.processEnded(.unknown, at: .zero) } == .earlyExit)
        #expect(kind { $0.processEnded(.signaled("SIGSEGV", coreDumped: true), at: .zero) } == .killed)
        #expect(kind { $0.deadlineReached(at: .zero) } == .timeout)
        #expect(kind { $0.received(Array("garbage\n".utf8), at: .zero) } == .protocolViolation)
        let deaf = kind { handshake in
            _ = handshake.channelClosed(at: .zero)
            return handshake.deadlineReached(at: .zero)
        }
        #expect(deaf == .protocolViolation)
        // What the application says it is, or what only its output may tell.
        #expect(kind { $0.received(Array("step load-app failed\n".utf8), at: .zero) } == nil)
    }

    @Test(arguments: [
        ("missing-gem", SpawnFailure.Kind.missingGem), ("interpreter-unsupported", .interpreterUnsupported),
        ("cancelled", nil), ("no-user", nil), ("access", nil), ("nonsense", nil),
    ])
    func `a loader may claim only what a loader can know`(text: String, kind: SpawnFailure.Kind?) {
        var handshake = handshake()
        let lines = "error kind \(text)\nerror summary no luck\nstep load-app failed\n"
        #expect(failure(handshake.received(Array(lines.utf8), at: .zero))?.kind == kind)
    }

    @Test func `an exit after words of the loader keeps the loader's words, and leaves the kind to the output`() {
        var handshake = handshake()
        _ = handshake.received(Array("error summary no luck\n".utf8), at: .zero)
        let failure = failure(handshake.processEnded(.exited(1), at: .zero))
        #expect(failure?.summary == "no luck" && failure?.kind == nil)
    }

    @Test func `a process that was killed may have been chosen by the kernel`() {
        var handshake = handshake()
        let failure = failure(handshake.processEnded(.signaled("SIGKILL", coreDumped: false), at: .zero))
        #expect(failure?.summary == "the process ended with signal SIGKILL before its program was executed")
        #expect(failure?.remedies.first?.description.contains("journalctl -k") == true)
    }

    // MARK: The launch

    @Test func `steps of the launch become a journey, up to the first step of the program`() {
        var handshake = handshake()
        for (second, name) in ["switch-user", "working-directory", "shell-environment", "execute"].enumerated() {
            handshake.launchStepBegan(name, at: .seconds(second))
        }
        handshake.launchStepBegan("nonsense", at: .seconds(4))
        #expect(!handshake.hasProgram)
        handshake.programStarted(.loader, at: .seconds(5))
        #expect(handshake.hasProgram)
        // The start of the interpreter counts.
        _ = handshake.received(Array("step loader begin\nstep loader done\n".utf8), at: .seconds(7))
        let entries = handshake.journey.entries.filter { $0.state != .notStarted }
        #expect(entries.map(\.step) == [.switchUser, .workingDirectory, .shell, .execute, .loader])
        #expect(entries.map(\.duration) == [.seconds(1), .seconds(1), .seconds(1), .seconds(2), .seconds(2)])
    }

    @Test func `a report that ends before the program is executed starts no program`() {
        var handshake = handshake()
        handshake.launchStepBegan("working-directory", at: .zero)
        handshake.programStarted(.loader, at: .zero)
        #expect(!handshake.hasProgram && handshake.journey.current == .workingDirectory)
    }

    @Test func `what the launch told of the process is in its failure, secrets masked`() {
        let planned = EnvironmentVariable(name: "PLANNED", value: "1")
        let program = StartContext.Program(
            appRoot: "/webapps/foo",
            startupFile: "config.ru",
            kind: "rack",
            arguments: ["ruby"],
            environment: [planned]
        )
        var handshake = Handshake(
            context: StartContext(id: ErrorID(1), program: program),
            timeout: StartTimeout(limit: .seconds(90), appRoot: "/webapps/foo")
        )
        let limit = StartContext.ReportedLimit(name: "open files", soft: 1, hard: 2)
        handshake.launchTold(environment: [], limits: [limit])
        #expect(handshake.context.program?.environment == [planned] && handshake.context.limits == [limit])
        let told = [EnvironmentVariable(name: "A", value: "b"), EnvironmentVariable(name: "API_TOKEN", value: "c")]
        handshake.launchTold(environment: told, limits: [limit])
        let context = failure(handshake.processEnded(.exited(1), at: .zero))?.context
        #expect(context?.program?.environment == SecretMask.masked(told) && context?.limits == [limit])
        #expect(context?.program?.environment.last?.value != "c")
    }

    @Test func `a launch that fails counts, also when the channel closed first`() {
        let told = SpawnFailure.Cause(.fileSystem, .access, "closed", step: .workingDirectory)
        for isDeaf in [false, true] {
            var handshake = handshake()
            handshake.launchStepBegan("working-directory", at: .zero)
            if isDeaf { _ = handshake.channelClosed(at: .zero) }
            #expect(failure(handshake.observedFailure(told, at: .seconds(1)))?.cause == told)
            #expect(handshake.journey.failed == .workingDirectory)
            #expect(handshake.processEnded(.exited(127), at: .seconds(1)) == .none)
        }
    }

    @Test(arguments: [
        ("switch-user", SpawnFailure.Kind.timeout, "did not become joe"),
        ("working-directory", .timeout, "the app root /webapps/foo could not be entered"),
        ("shell-environment", .loginShell, "the login shell /bin/bash of joe did not say its environment"),
        ("environment-file", .environmentFile, "the environment file /webapps/foo/.env could not be read"),
        ("execute", .timeout, "ruby could not be executed"),
    ])
    func `a timeout says what it waited for`(step: String, kind: SpawnFailure.Kind, text: String) {
        let timeout = StartTimeout(
            limit: .seconds(90),
            appRoot: "/webapps/foo",
            userName: "joe",
            loginShell: "/bin/bash",
            environmentFile: "/webapps/foo/.env",
            interpreter: "ruby"
        )
        var handshake = handshake(timeout)
        handshake.launchStepBegan(step, at: .zero)
        let failure = failure(handshake.deadlineReached(at: .seconds(90)))
        #expect(failure?.category == .timeout && failure?.kind == kind && failure?.step.rawValue == step)
        #expect(failure?.summary.contains(text) == true, "\(failure?.summary ?? "")")
        #expect(failure?.summary.contains("within 90 seconds (passenger_start_timeout)") == true)
        #expect(failure?.remedies.isEmpty == false)
    }
}
