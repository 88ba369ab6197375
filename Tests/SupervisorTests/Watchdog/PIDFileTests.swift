// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

@testable import Supervisor

@Suite struct PIDFileTests {
    @Test func `the file holds the PID, is locked, and goes away`() throws {
        let directory = try Files.makeTemporaryDirectory(in: "/tmp", prefix: "fp-pid-")
        defer { try? Files.removeTree(directory) }
        let path = directory + "/fp.pid"
        let file = try PIDFile.open(path)
        #expect(String(decoding: try Files.read(path), as: UTF8.self) == "\(CurrentProcess.pid)\n")
        #expect(
            throws: StartProblem("The PID file \(path) is in use by another daemon (PID \(CurrentProcess.pid)).")
        ) { _ = try PIDFile.open(path) }
        file.remove()
        #expect(!Files.exists(path))
    }
}
