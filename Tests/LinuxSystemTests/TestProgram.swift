// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

/// A program that a test launches through the built helper.
struct TestProgram {
    static let launcher = Launcher(
        helperPath: (try? Launcher.findHelper()) ?? "flying-passenger-exec beside the test bundle"
    )

    struct Run {
        let pid: Int32
        let output: String
        let status: LinuxSystem.ExitStatus
        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    let path: String
    let arguments: [String]

    init(_ path: String, _ arguments: [String] = []) {
        self.path = path
        self.arguments = arguments
    }

    /// A shell script.
    static func shell(_ script: String) -> TestProgram { TestProgram("/bin/sh", ["-c", script]) }

    func plan(as user: UserAccount? = nil) -> LaunchPlan {
        let identity = user.map { UserIdentity(uid: $0.uid, gid: $0.primaryGroup, groups: [$0.primaryGroup]) }
        return LaunchPlan(
            program: .path(path),
            arguments: [path] + arguments,
            environment: [("PATH", "/usr/bin:/bin")],
            identity: identity,
            workingDirectory: .path("/")
        )
    }

    func launch() throws -> LaunchedProcess { try Self.launcher.launch(plan()) }

    /// Runs to the end and collects what came on standard output and standard error.
    func run(
        as user: UserAccount? = nil,
        _ change: (inout LaunchPlan) throws -> Void = { _ in }
    ) throws -> Run {
        var plan = plan(as: user)
        try change(&plan)
        return try Self.run(plan)
    }

    static func run(_ plan: LaunchPlan) throws -> Run {
        var pipe = try Pipe.make()
        let reader = try owned(pipe.takeReadEnd())
        var plan = plan
        plan.descriptors += [.init(source: pipe.writeEnd, target: 1), .init(source: pipe.writeEnd, target: 2)]
        let process = try launcher.launch(plan)
        try close(pipe.takeWriteEnd())
        let output = try reader.readAll(limit: 1 << 20).text
        return Run(pid: process.pid, output: output, status: try process.handle.waitForExit())
    }
}
