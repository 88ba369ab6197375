// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What a newcomer types.
    @Suite struct WalkthroughTests {
        /// In namespaces of its own: the commands use /run, /srv and port 8080 of the machine.
        @Test(
            .enabled(if: Machine.canUnshare && Integration.hasRuby, "needs root, namespaces of its own and ruby"),
            .timeLimit(.minutes(2))
        )
        func `the quick start of the README works word for word`() throws {
            let commands = try #require(try QuickStart.script())
            let place = try TestDirectory()
            try place.write(commands, to: "quick-start")
            let script = """
                set -e
                mount -t proc proc /proc
                # This checkout may itself lie below what is hidden next.
                mkdir \(place.file("checkout")) \(place.file("programs"))
                mount --bind \(Repository.root) \(place.file("checkout"))
                mount --bind \(Repository.programs) \(place.file("programs"))
                mount -t tmpfs -o mode=755 tmpfs /run
                mount -t tmpfs -o mode=755 tmpfs /srv
                ip link set lo up
                cd \(place.file("checkout"))
                export PATH=\(place.file("programs")):$PATH
                . \(place.file("quick-start"))
                """
            let outcome = try Shell.run([
                "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private",
                "bash", "-c", script,
            ])
            #expect(outcome.status == .exited(0), "\(outcome.output)")

            func values(_ name: String) -> [Substring] {
                outcome.output.pieces(between: name).dropFirst().map { $0.prefix { $0.isNumber } }
            }
            let answered = values("\npid: ")
            #expect(answered.count == 2 && Set(answered).count == 1, "two pages, one process:\n\(outcome.output)")
            #expect(values("* PID: ") == answered, "passenger-status shows the process that answered")
            #expect(outcome.output.pieces(between: "user: games\n").count == 3)
            #expect(outcome.output.contains("Flying Passenger up and listening on /run/flying-passenger/daemon.sock!"))
        }

        @Test(
            .enabled(if: Integration.hasRuby && Integration.hasNode && Machine.has("curl"), "needs the interpreters"),
            .timeLimit(.minutes(3))
        )
        func `make run shows every example answering, before and after a restart of the front`() throws {
            let outcome = try Shell.run(
                [Repository.root + "/scripts/demo", Repository.programs],
                environment: ["ONCE": "1"],
                within: .seconds(150)
            )
            #expect(outcome.status == .exited(0), "\(outcome.output)")
            for line in ["All examples answered", "Max pool size : 16", "Processes     : 8"] {
                #expect(outcome.output.contains(line), "\(line)\n\(outcome.output)")
            }
        }
    }
}
