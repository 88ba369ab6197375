// SPDX-License-Identifier: MIT

import AppSettings
import LinuxSystem
import ShownText
import SpawnPlan
import Testing

@testable import Supervisor

struct LaunchDiagnosisTests {
    private func diagnosis(_ type: AppType = .wsgi, searchPath: String? = nil) throws -> LaunchDiagnosis {
        let entries = [("app_root", "/home/joe/app"), ("python", "venv/bin/python")]
        let all = type == .generic ? entries + [("app_start_command", "./serve")] : entries
        let settings = try AppSettings(SettingsList(all.map { .init(name: $0.0, value: $0.1) }))
        let identity = RunningIdentity(
            userName: "joe",
            groupName: "joe",
            uid: 1000,
            gid: 1000,
            groups: [1000, 33],
            account: nil,
            reason: "runs as joe because joe owns passenger_wsgi.py",
            isSwitched: true,
            restsOnOwnership: true
        )
        return LaunchDiagnosis(
            appRoot: "/home/joe/app",
            program: LoaderProgram(type, settings: settings, loaders: "/loaders"),
            identity: identity,
            groupNames: ["joe", "www-data"],
            searchPath: searchPath
        )
    }

    private func problem(
        _ step: LaunchStep,
        _ code: Int32,
        _ subject: String,
        _ detail: String = "",
        directory: (UInt32, UInt32, UInt32)? = nil
    ) throws -> SpawnFailure.Cause {
        try diagnosis().cause(
            LaunchFailure(
                step: step,
                code: code,
                subject: subject,
                detail: detail,
                directory: directory.map { .init(owner: $0.0, group: $0.1, mode: $0.2) }
            )
        )
    }

    @Test func `a closed directory is named with owner, mode, user, groups and remedies`() throws {
        let problem = try problem(.enterDirectory, 13, "/home/joe", directory: (0, 0, 0o700))
        #expect(problem.kind == .access && problem.step == .workingDirectory)
        #expect(
            problem.summary
                == "the directory /home/joe cannot be entered by joe (uid 1000, groups joe, www-data): its owner is root "
                + "and its mode 0700; it is on the way to the app root /home/joe/app"
        )
        #expect(
            problem.remedies == [
                Remedy("Let the user enter it, for example:", shell: "chmod o+x /home/joe"),
                Remedy("Or only this user:", shell: "setfacl -m u:joe:x /home/joe"),
                """
                Or let the app run as another user (passenger_user); now it runs as joe because joe owns \
                passenger_wsgi.py.
                """,
            ]
        )
    }

    @Test(arguments: [
        (UInt32(1000), UInt32(0), UInt32(0o600), "chmod u+x /d"), (0, 33, 0o700, "chmod g+x /d"),
        (0, 0, 0o770, "chmod o+x /d"), (0, 0, 0o755, "getfacl /d"), (0, 33, 0o750, "getfacl /d"),
    ])
    func `the remedy is the least that lets the user in`(
        owner: UInt32,
        group: UInt32,
        mode: UInt32,
        command: String
    ) throws {
        let problem = try problem(.enterDirectory, 13, "/d", directory: (owner, group, mode))
        #expect(problem.remedies.first?.description.contains(command) == true, "\(problem.remedies)")
    }

    @Test func `a virtualenv below the home of root names that home, and where to make another`() throws {
        let problem = try problem(
            .programDirectory,
            13,
            "/root",
            "/home/joe/app/venv/bin/python",
            directory: (0, 0, 0o700)
        )
        #expect(problem.kind == .access && problem.step == .execute)
        #expect(problem.summary.contains("/home/joe/app/venv/bin/python cannot be executed by joe"))
        #expect(problem.summary.contains("the directory /root cannot be entered, its owner is root and its mode 0700"))
        #expect(
            problem.remedies[0].description.contains("that joe can enter, outside of /root: /usr/bin/python3 -m venv ")
        )
        #expect(problem.remedies[1].description.hasSuffix(": passenger_python /home/joe/app/venv/bin/python;"))
        #expect(problem.remedies[3].description.contains("Leave /root as it is"))
    }

    @Test(arguments: [
        (Int32(2), "", SpawnFailure.Kind.interpreterMissing, "/x/ruby does not exist"),
        (2, "/gone", .interpreterMissing, "/x/ruby is a link to /gone, which does not exist"),
        (2, "no-loader", .interpreterMissing, "the program loader that it needs does not"),
        (13, "", .interpreterMissing, "/x/ruby cannot be executed by joe"),
        (13, "noexec", .interpreterMissing, "mounted with noexec"),
        (8, "", .interpreterMissing, "no program for this machine"),
        (21, "", .interpreterMissing, "it is a directory"),
        (11, "", .resources, "could not be executed"), (12, "", .resources, "could not be executed"),
        (7, "", .resources, "Argument list too long"),
    ])
    func `a program that cannot be executed says why`(
        code: Int32,
        detail: String,
        kind: SpawnFailure.Kind,
        text: String
    ) throws {
        let problem = try problem(.program, code, "/x/ruby", detail)
        #expect(problem.kind == kind && problem.step == .execute && !problem.remedies.isEmpty)
        #expect(problem.summary.contains(text), "\(problem.summary)")
    }

    @Test func `a name that is not on the path is told with the path, and with what is closed on it`() throws {
        let failure = LaunchFailure(
            step: .program,
            code: 2,
            subject: "python3",
            detail: "/root/shims",
            directory: .init(owner: 0, group: 0, mode: 0o700)
        )
        let problem = try diagnosis(searchPath: "/root/shims:/bin").cause(failure)
        #expect(problem.summary.hasPrefix("python3 was not found on the PATH of the application (/root/shims:/bin); a"))
        #expect(problem.summary.contains("/root/shims, cannot be entered by joe"))
        #expect(problem.remedies.contains { $0.description.contains("passenger_python") })
    }

    @Test func `a startup file that cannot be read, or is not there any more`() throws {
        let closed = try problem(.readStartupFile, 13, "config.ru", "/srv", directory: (0, 0, 0o700))
        #expect(closed.kind == .access && closed.summary.contains("the directory /srv cannot be entered"))
        let plain = try problem(.readStartupFile, 13, "config.ru")
        #expect(plain.kind == .access && plain.remedies[0].description.hasSuffix("chmod o+r /home/joe/app/config.ru"))
        let link = try problem(.readStartupFile, 2, "config.ru", "/gone/config.ru")
        #expect(link.kind == .startupFileMissing && link.summary.contains("it is a link to /gone/config.ru"))
        let root = try problem(.enterDirectory, 2, "/home/joe")
        #expect(root.kind == .appRootMissing && root.summary.contains("/home/joe: No such file or directory"))
    }

    @Test func `what a link or a directory is called is no part of a command`() throws {
        let link = try problem(.readStartupFile, 13, "config.ru", "/x;touch /pwned")
        #expect(link.remedies[0].description.hasSuffix("chmod o+r '/x;touch /pwned'"))
        let directory = try problem(.enterDirectory, 13, "/srv/$(id)", directory: (0, 0, 0o700))
        #expect(directory.remedies[0].description.hasSuffix("chmod o+x '/srv/$(id)'"))
        #expect(directory.remedies[1].description.hasSuffix("setfacl -m u:joe:x '/srv/$(id)'"))
    }

    @Test(arguments: [
        ("exited 3", "ended with exit code 3 instead of telling its environment"),
        ("signaled 9", "ended with signal SIGKILL instead"), ("nothing", "ended without telling its environment"),
        ("too-much", "has an environment of more than 128 KiB"),
    ])
    func `a login shell that failed is named with its end and both ways out`(detail: String, text: String) throws {
        let problem = try problem(.loginShell, 0, "/bin/zsh", detail)
        #expect(problem.kind == .loginShell && problem.step == .shell)
        #expect(problem.summary.hasPrefix("the login shell /bin/zsh of joe \(text)"), "\(problem.summary)")
        #expect(problem.remedies.contains { $0.description.contains("passenger_load_shell_envvars off;") })
        #expect(try self.problem(.loginShell, 11, "/bin/zsh").kind == .resources)
        #expect(try self.problem(.loginShell, 2, "/bin/zsh").summary.hasSuffix("No such file or directory"))
    }

    @Test func `an environment file is named with the line`() throws {
        let line = try problem(.environmentFile, 0, ".env", "3 there is no =")
        #expect(line.kind == .environmentFile && line.step == .environmentFile)
        #expect(line.summary == "the environment file /home/joe/app/.env is wrong in line 3: there is no =")
        #expect(try problem(.environmentFile, 2, "/etc/foo.env").summary.contains("/etc/foo.env cannot be read by joe"))
        #expect(try problem(.environmentFile, 0, ".env", "too-long").summary.hasSuffix("longer than 64 KiB"))
        #expect(try problem(.environmentFile, 0, ".env", "no-file").summary.hasSuffix("is no regular file"))
        let closed = try problem(.environmentFile, 13, "/srv/x/env", "/srv", directory: (0, 0, 0o700))
        #expect(closed.summary.contains("the directory /srv cannot be entered"))
    }

    @Test func `what the kernel has no more of is told apart from faults of ours`() throws {
        #expect(try problem(.helper, 11, "/x").kind == .resources)
        #expect(try problem(.helper, 24, "/x").remedies[0].description.contains("LimitNOFILE"))
        #expect(try problem(.report, 0, "x").kind == .internalError)
        #expect(try problem(.user, 11, "1000").kind == .resources)
        #expect(try problem(.proof, 0, "groups differ").kind == .internalError)
    }

    @Test(arguments: LaunchStep.allCases)
    func `every step of a launch makes a sentence`(step: LaunchStep) throws {
        for code: Int32 in [0, 1, 2, 5, 13] {
            let problem = try problem(step, code, "/x")
            #expect(!problem.summary.isEmpty && problem.step != nil)
        }
    }
}
