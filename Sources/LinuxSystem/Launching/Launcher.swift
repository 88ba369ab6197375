// SPDX-License-Identifier: MIT

import CFlyingPassenger
import Glibc

/// A process whose program has started.
package struct LaunchedProcess: Sendable {
    package let pid: Int32
    package let handle: ProcessHandle
}

/// Starts programs through `flying-passenger-exec`.
///
/// Safe from any thread; launches may run side by side.
///
/// No Swift runs between fork and exec: `posix_spawn` starts the helper, which carries out the plan and executes the
/// program. The helper inherits only what it is to place, because everything here is close-on-exec.
package final class Launcher: Sendable {
    package static let helperName = "flying-passenger-exec"

    package let helperPath: String

    package init(helperPath: String) { self.helperPath = helperPath }

    /// The helper beside the running program, else in `../libexec/flying-passenger`.
    package static func findHelper() throws(SystemError) -> String {
        findHelper(besideProgram: try CurrentProcess.executablePath())
    }

    /// The first place where it is, or the first place where it should be: a launch then names that path.
    package static func findHelper(besideProgram program: String) -> String {
        let directory =
            program.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(Substring(program.utf8[..<$0])) } ?? "."
        let candidates = [
            "\(directory)/\(helperName)",
            "\(directory)/../libexec/flying-passenger/\(helperName)",
        ]
        return candidates.first(where: Files.isExecutable) ?? candidates[0]
    }

    /// Returns when the program has started to run.
    ///
    /// Blocks the thread until then, at most `timeLimit`.
    ///
    /// After a failure the process has ended and was waited for.
    package func launch(
        _ plan: LaunchPlan,
        timeLimit: Duration = .seconds(30)
    ) throws(LaunchFailure) -> LaunchedProcess {
        try begin(plan).finish(within: timeLimit)
    }

    /// Returns as soon as there is a process, a fraction of a millisecond later, whatever its plan makes it wait for.
    ///
    /// From then on the descriptors of the plan may be closed.
    package func begin(_ plan: LaunchPlan) throws(LaunchFailure) -> StartedLaunch {
        guard let bytes = plan.encoded() else { throw LaunchFailure(step: .plan, code: EINVAL, subject: "") }
        do {
            return try start(bytes, inheriting: plan.inheritedDescriptors)
        } catch {
            throw LaunchFailure(step: .helper, code: error.code, subject: helperPath)
        }
    }

    private func start(_ plan: [UInt8], inheriting inherited: [Int32]) throws(SystemError) -> StartedLaunch {
        let planFile = Descriptor(owning: try checked("memfd_create") { fp_memory_file("launch-plan") })
        try planFile.writeAll(plan)
        var pipe = try Pipe.make()
        guard let report = pipe.takeReadEnd() else { throw SystemError(call: "pipe2", code: EBADF) }
        try report.setNonBlocking()
        let numbers = inherited + [planFile.rawValue, pipe.writeEnd]
        let arguments = [Self.helperName, String(planFile.rawValue), String(pipe.writeEnd)]
        let handle = try spawn(arguments, inheriting: numbers)
        return StartedLaunch(handle: handle, report: SharedDescriptor(report), helperPath: helperPath)
    }

    private func spawn(_ arguments: [String], inheriting numbers: [Int32]) throws(SystemError) -> ProcessHandle {
        let vector = CStringArray(arguments)
        let nothing = CStringArray([])
        let (pid, registration) = try ChildRegistry.entering { () throws(SystemError) -> Int32 in
            var pid: Int32 = 0
            let code = withExtendedLifetime((vector, nothing)) {
                fp_spawn(&pid, helperPath, vector.pointers, nothing.pointers, numbers, numbers.count)
            }
            if code != 0 { throw SystemError(call: "posix_spawn", code: code, subject: helperPath) }
            return pid
        }
        do {
            let number = try checked("pidfd_open", "process \(pid)") { fp_open_process(pid) }
            return ProcessHandle(pid: pid, Descriptor(owning: number), registration)
        } catch {
            // Out of descriptors. The child is not collected by anybody, so its PID is still its own.
            kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) < 0, errno == EINTR {}
            ChildRegistry.remove(pid, registration)
            throw error
        }
    }
}

/// A NULL-terminated vector of C strings that lives as long as its owner.
private final class CStringArray {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { (pointers + index).initialize(to: strdup(string)) }
        (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
