// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import ShownText
import WireProtocol

/// The configuration files of a front, whose logs and document roots its own program checks.
struct FrontFiles: Equatable {
    static let program = "front-proxy"

    let paths: [String]

    /// nil: it was started without files, or its name has no room for them all.
    init?(of front: DeclaredFront) {
        // A front calls itself by its uid and its files, separated by commas.
        let prefix = "\(front.uid):".utf8
        guard front.name.utf8.starts(with: prefix) else { return nil }
        let paths = front.name.utf8.dropFirst(prefix.count).split(separator: UInt8(ascii: ",")).map {
            String(Substring($0))
        }
        guard !paths.isEmpty, paths.allSatisfy({ $0.utf8.first == UInt8(ascii: "/") }) else { return nil }
        self.paths = paths
    }

    private var arguments: [String] { self.paths.map { "--config=\($0)" } + ["--test-config"] }

    /// To be typed.
    var command: String { ([Self.program] + self.arguments.map { ShellWord.quoted($0) }).joined(separator: " ") }

    /// Runs the check of the program beside this one, which writes to the standard streams; false if something is wrong.
    ///
    /// Whose files these are has been judged already, with the flags of the daemon.
    func check(with program: String, daemon socket: String) throws -> Bool {
        var plan = LaunchPlan(
            program: .path(program),
            // Its own command line may have named the daemon.
            arguments: [Self.program] + self.arguments + ["--leave-out-owners", "--fly-with=\(socket)"],
            environment: CurrentProcess.environment
        )
        plan.newSession = false
        let process = try Launcher(helperPath: Launcher.findHelper()).launch(plan)
        return try process.handle.waitForExit().isSuccess
    }

    /// nil: it is not where it should be.
    static func findProgram() -> String? {
        guard let own = try? CurrentProcess.executablePath(), let slash = own.utf8.lastIndex(of: UInt8(ascii: "/"))
        else { return nil }
        let path = "\(Substring(own.utf8[...slash]))\(self.program)"
        return Files.isExecutable(path) ? path : nil
    }
}
