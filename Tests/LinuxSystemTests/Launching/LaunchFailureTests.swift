// SPDX-License-Identifier: MIT

import Testing

@testable import LinuxSystem

struct LaunchFailureTests {
    @Test func `a failure makes a sentence`() {
        let failure = LaunchFailure(step: .enterDirectory, code: 13, subject: "/home/joe")
        #expect(failure.description == "enter-directory failed (/home/joe): Permission denied")
        let shell = LaunchFailure(step: .loginShell, code: 0, subject: "/bin/bash", detail: "exited 3")
        #expect(shell.description == "login-shell failed (/bin/bash, exited 3)")
    }

    @Test func `the detail of a login shell says how it ended`() {
        #expect(LoginShellEnd("exited 3") == .exited(3))
        #expect(LoginShellEnd("signaled 9") == .signaled(.kill))
        #expect(LoginShellEnd("nothing") == .saidNothing)
        #expect(LoginShellEnd("too-much") == .saidTooMuch)
        for text in ["", "exited", "exited x", "signaled 9 9", "nonsense"] { #expect(LoginShellEnd(text) == nil) }
    }

    @Test func `the detail of an environment file says what is wrong where`() {
        #expect(EnvironmentFileProblem("no-file") == .notAFile)
        #expect(EnvironmentFileProblem("too-long") == .tooLong)
        #expect(EnvironmentFileProblem("3 there is no =") == .line(3, reason: "there is no ="))
        for text in ["", "3", "x y", "/home/joe"] { #expect(EnvironmentFileProblem(text) == nil) }
    }
}
