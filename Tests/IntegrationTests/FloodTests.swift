// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Applications that print, and talk to the daemon, without end.
    @Suite(.enabled(if: Machine.isRoot, "attackers need users of their own"), .timeLimit(.minutes(2)))
    struct FloodTests {
        private static let floods = 6

        @Test func `floods of one tenant hold up neither start nor end of a neighbour, and cost a part of one thread`()
            throws
        {
            let instances = "passenger_min_instances \(Self.floods);"
            let fort = try Fort(others: [
                .init("flood", from: nil, settings: [instances, "passenger_max_instances \(Self.floods);"]),
                .init("late", from: "wsgi", owner: Machine.appUsers[3], settings: ["passenger_max_instances 1;"]),
            ])
            _ = try fort.app("flood", owner: Machine.appUsers[2], text: Self.floodingApp)
            _ = try fort.site.page("flood")
            try eventually("all floods") { try fort.site.processes(of: "flood").count == Self.floods }
            for _ in 0..<Self.floods { _ = try fort.site.page("flood", "/control") }

            let start = ContinuousClock.now
            let late = try #require(try fort.site.page("late", "/pid").pid)
            #expect(ContinuousClock.now - start < .seconds(3), "a neighbour's start had to wait")
            let kill = ContinuousClock.now
            _ = try ProcessHandle(pid: late).signal(.kill)
            try eventually("its end") { try !fort.site.processes(of: "late").contains { $0.pid == late } }
            #expect(ContinuousClock.now - kill < .seconds(1), "a neighbour's end was seen late")

            let before = try Self.watcherTicks(of: fort.core)
            let began = ContinuousClock.now
            while ContinuousClock.now - began < .seconds(3) {
                #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
            }
            let used = Double(try Self.watcherTicks(of: fort.core) - before) / Double(ProcInfo.ticksPerSecond)
            let share = used / ((ContinuousClock.now - began) / .seconds(1))
            #expect(share < 0.7, "the watcher's thread is busy for \(share) of the time")
            // What floods is held up by itself alone, and goes on.
            #expect(try fort.site.get("flood").status == 200)
            #expect(try fort.site.corePID() == fort.core)
        }

        /// Time that the thread which listens to apps has used, in clock ticks.
        private static func watcherTicks(of core: Int32) throws -> UInt64 {
            for thread in TestFile.names(in: "/proc/\(core)/task") {
                let path = "/proc/\(core)/task/\(thread)"
                guard try TestFile.text("\(path)/comm") == "apps\n" else { continue }
                let fields = try TestFile.text("\(path)/stat").split(separator: " ")
                return try #require(UInt64(fields[13])) + #require(UInt64(fields[14]))
            }
            throw SystemError(call: "no thread of that name", code: 0)
        }

        /// Empty lines are the dearest ones.
        private static let floodingApp = """
            import os, threading, time

            def flood(descriptor):
                while True:
                    try:
                        os.write(descriptor, b"\\n" * 65536)
                    except BlockingIOError:
                        time.sleep(0.001)

            threading.Thread(target=flood, args=(1,), daemon=True).start()

            def application(environ, start_response):
                if environ["PATH_INFO"] == "/control":
                    threading.Thread(target=flood, args=(4,), daemon=True).start()
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b"flooding"]
            """
    }
}
