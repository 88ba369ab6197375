// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct SystemErrorTests {
    @Test func `an error names call, subject, reason and number`() {
        let error = SystemError(call: "open", code: 2, subject: "/nowhere")
        #expect(error.description == "open /nowhere: No such file or directory (ENOENT)")
        #expect(error.isNotFound)
        #expect(!error.isPermissionDenied)
    }

    @Test func `an unknown number still makes a sentence`() {
        #expect(SystemError(call: "call", code: 9_999).description == "call: Error 9999 (E9999)")
    }

    @Test func `a failing call carries its errno`() throws {
        let error = #expect(throws: SystemError.self) { try Files.read("/does/not/exist") }
        #expect(error?.isNotFound == true)
        #expect(error?.subject == "/does/not/exist")
    }
}
