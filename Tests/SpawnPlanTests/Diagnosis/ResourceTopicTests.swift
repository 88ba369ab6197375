// SPDX-License-Identifier: MIT

import AppSettings
import ShownText
import Testing

@testable import SpawnPlan

/// Memory, ports and interpreters; what Ruby 3.1, Python 3.11, Node 20 and Bundler 2.3 printed, word for word.
struct ResourceTopicTests {
    static let heap = """

        <--- Last few GCs --->

        [1657:0x154f3bc0]      122 ms: Mark-Compact 49.8 (82.7) -> 49.8 (82.7) MB, 16.62 / 0.00 ms  (average mu = 0.418, \
        current mu = 0.305) allocation failure; scavenge might not succeed


        <--- JS stacktrace --->

        FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
        """

    @Test(arguments: [
        (AppType.rack, "config.ru: failed to allocate memory (NoMemoryError)"), (.node, heap),
        (.wsgi, "Traceback (most recent call last):\n    x=b\"a\"*(1<<30)\n      ~~~~^^~~~~~~~\nMemoryError"),
        (.wsgi, "MemoryError"), (.generic, "java.lang.OutOfMemoryError: Java heap space"),
    ])
    func `memory that was refused`(type: AppType, output: String) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: type)
        #expect(diagnosis.kind == .outOfMemory)
        #expect(diagnosis.commands.contains { $0.hasPrefix("journalctl -k") })
        #expect(diagnosis.commands.contains { $0.contains("max-old-space-size") } == (type == .node))
    }

    @Test func `a limit of the process is named`() throws {
        let limit = StartContext.ReportedLimit(name: "address space", soft: 200 << 20, hard: nil)
        let failure = DiagnosisBench.failure(output: "MemoryError", type: .wsgi, limits: [limit])
        #expect(try DiagnosisBench.diagnosis(failure).remedies.first?.text.contains("at most 200 MiB") == true)
    }

    @Test func `a process that was killed may have been by the kernel, for memory`() throws {
        let failure = DiagnosisBench.failure(
            kind: .killed,
            summary: "the process ended with signal SIGKILL before it was ready",
            remedies: ProcessEnd.signaled("SIGKILL", coreDumped: false).remedies
        )
        let diagnosis = try DiagnosisBench.diagnosis(failure)
        #expect(diagnosis.kind == .killed)
        #expect(diagnosis.commands.first?.hasPrefix("journalctl -k") == true)
    }

    @Test(arguments: [
        (
            AppType.rack,
            "config.ru:1:in `initialize': Address already in use - bind(2) for \"127.0.0.1\" port 38173 (Errno::EADDRINUSE)",
            "38173"
        ),
        (
            .generic,
            "OSError: [Errno 98] Address already in use (while attempting to bind on address ('127.0.0.1', 42265))",
            "42265"
        ),
        (.node, "Error: listen EADDRINUSE: address already in use 127.0.0.1:37419\n    at Server.setup", "37419"),
        (.node, "Error: listen EADDRINUSE: address already in use :::3000\n", "3000"),
    ])
    func `a port of somebody else`(type: AppType, output: String, port: String) throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: output, type: type)
        #expect(diagnosis.kind == .portTaken)
        #expect(diagnosis.commands == ["ss -ltnp 'sport = :\(port)'"])
        if type == .generic { #expect(diagnosis.everything.contains("PORT")) }
    }

    @Test func `a socket of somebody else has no port`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(printing: "Address already in use - connect(2) for /tmp/x.sock")
        #expect(diagnosis.kind == .portTaken)
        #expect(diagnosis.commands == ["ss -ltnp"])
    }

    @Test func `a Ruby that the Gemfile does not want`() throws {
        let diagnosis = try DiagnosisBench.diagnosis(
            printing: """
                definition.rb:427:in `validate_ruby!': Your Ruby version is 3.1.2, but your Gemfile specified 3.4.1 \
                (Bundler::RubyVersionMismatch)
                """
        )
        #expect(diagnosis.kind == .interpreterUnsupported)
        #expect(diagnosis.commands == ["passenger_ruby /opt/ruby/bin/ruby;"])
    }
}
