// SPDX-License-Identifier: MIT

package import LinuxSystem

/// A program that a test has started, in a session of its own, with its output in a file.
///
/// It is ended with the object.
package final class RunningProgram {
    package enum Failure: Error, CustomStringConvertible {
        case notFound(String)
        case ended(String, ExitStatus, output: String)
        case stillRunning(String, output: String)

        package var description: String {
            switch self {
            case .notFound(let name): "there is no program \(name)"
            case .ended(let name, let status, let output):
                "\(name) ended with \(status); it wrote:\n\(output.suffix(2000))"
            case .stillRunning(let name, let output): "\(name) does not end; it wrote:\n\(output.suffix(2000))"
            }
        }
    }

    package let name: String
    package let pid: Int32
    package let handle: ProcessHandle
    private let log: String
    private var ended: ExitStatus?

    /// Starts a program that finds PATH, HOME, LANG and `environment`, and `listeners` from descriptor 3 on.
    ///
    /// Standard output and standard error are appended to the file `log`. Listeners come in the way of sd_listen_fds(3).
    package init(
        _ arguments: [String],
        log: String,
        environment: [String: String] = [:],
        directory: String = "/",
        user: UserAccount? = nil,
        listeners: [Int32] = []
    ) throws {
        guard let first = arguments.first, let path = first.contains("/") ? first : Machine.path(of: first) else {
            throw Failure.notFound(arguments.first ?? "")
        }
        let output = try Files.openForAppending(log)
        let nothing = try Descriptor.null()
        var variables = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]
        variables["HOME"] = user?.home ?? "/"
        if !listeners.isEmpty { variables["LISTEN_FDS"] = String(listeners.count) }
        variables.merge(environment) { $1 }
        var plan = LaunchPlan(
            program: .path(path),
            arguments: arguments,
            environment: variables.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) },
            workingDirectory: .path(directory),
            descriptors: [
                .init(source: nothing.rawValue, target: 0), .init(source: output.rawValue, target: 1),
                .init(source: output.rawValue, target: 2),
            ] + listeners.enumerated().map { .init(source: $0.element, target: Int32(3 + $0.offset)) },
            umask: 0o022
        )
        plan.setsListenPID = !listeners.isEmpty
        if let user {
            plan.identity = .init(uid: user.uid, gid: user.primaryGroup, groups: try Accounts.groups(of: user))
        }
        let helper = Repository.program(Launcher.helperName)
        let process = try Launcher(helperPath: helper).launch(plan)
        name = first.split(separator: "/").last.map(String.init) ?? first
        pid = process.pid
        handle = process.handle
        self.log = log
        withExtendedLifetime((output.rawValue, nothing.rawValue)) {}
    }

    deinit { stop() }

    /// All that it wrote so far.
    package var output: String { TestFile.exists(log) ? (try? TestFile.text(log)) ?? "" : "" }

    package var isRunning: Bool { ended == nil && (try? handle.hasEnded()) == false }

    package func signal(_ signal: Signal) throws { try handle.signal(signal) }

    /// Waits until a text appears in a log that it writes, its own output by default.
    package func waitForOutput(_ text: String, in file: String? = nil, within limit: Duration = .seconds(30)) throws {
        func written() -> String { file.map { (try? TestFile.text($0)) ?? "" } ?? output }
        try eventually("\"\(text)\" from \(name), which wrote:\n\(written().suffix(1500))", within: limit) {
            if written().contains(text) { return true }
            if let status = try collect() { throw Failure.ended(name, status, output: output) }
            return false
        }
    }

    /// Its status, once it has ended.
    package func waitForExit(within limit: Duration = .seconds(60)) throws -> ExitStatus {
        if let ended { return ended }
        guard try handle.hasEnded(within: limit), let status = try collect() else {
            throw Failure.stillRunning(name, output: output)
        }
        return status
    }

    /// Ends it gracefully, and by force when that takes too long.
    @discardableResult
    package func terminate(within limit: Duration = .seconds(30)) throws -> ExitStatus {
        try handle.signal(.terminate)
        return try waitForExit(within: limit)
    }

    /// Ends it, whatever it takes; for the end of a test.
    package func stop() {
        guard ended == nil else { return }
        // Each of these fails only when it has ended meanwhile.
        _ = try? handle.signal(.terminate)
        if (try? handle.hasEnded(within: .seconds(20))) != true {
            _ = try? ProcessGroup.signal(pid, .kill)
            _ = try? handle.signal(.kill)
            _ = try? handle.hasEnded(within: .seconds(5))
        }
        _ = try? collect()
    }

    private func collect() throws -> ExitStatus? {
        if ended == nil, try handle.hasEnded() { ended = try handle.collect() }
        return ended
    }
}
