// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing

struct CurrentProcessTests {
    @Test func `the environment is listed as it is`() {
        let path = CurrentProcess.environment("PATH")
        #expect(CurrentProcess.environment.first { $0.name == "PATH" }?.value == path)
        #expect(CurrentProcess.environment("NO_SUCH_VARIABLE") == nil)
    }

    @Test func `a process with threads is not daemonized`() throws {
        let error = #expect(throws: SystemError.self) { try Daemonize.start().ready() }
        #expect(error?.name == "EDEADLK")
    }

    @Test func `limits are read and can be set to what they are`() throws {
        let limit = Limits.current(.openFiles)
        #expect(limit.soft > 0)
        #expect(limit.hard >= limit.soft)
        try Limits.set(.openFiles, limit)
        #expect(CurrentProcess.descriptorLimit.soft == limit.soft)
    }

    @Test func `a thread runs with its name and is joined`() throws {
        let pair = try SocketPair.make()
        let number = pair.firstEnd
        let thread = try OSThread.start(name: "a-name-that-is-too-long") {
            let name = (try? Files.read("/proc/self/task/\(OSThread.currentID)/comm").text) ?? ""
            try? Descriptor.duplicating(number).writeAll(name)
        }
        thread.join()
        #expect(try Descriptor.duplicating(pair.secondEnd).readSome(limit: 64).text == "a-name-that-is-\n")
    }
}
