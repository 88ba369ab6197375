// SPDX-License-Identifier: MIT

import FairShare
import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Those who ask for more than their share of the daemon's time, memory, descriptors and log, as users of their own: others do
    /// not notice.
    @Suite(.enabled(if: Machine.isRoot, "attackers need users of their own"), .timeLimit(.minutes(2)))
    struct BudgetAttackTests {
        private static let token = "00112233445566778899aabbccddeeff"

        private static func lines(_ fort: Fort, _ text: String) -> Int {
            fort.site.log().pieces(between: text).count - 1
        }

        // MARK: Memory

        @Test func `requests that wait for their turn cost next to no memory, and none when their connection is gone`()
            throws
        {
            let fort = try Fort()
            let admin = try fort.adminSocket
            for size in ["250000", "8000"] {
                let before = try #require(ProcessFacts(pid: fort.core)).residentKilobytes
                let holder = try fort.start(fort.stranger, socket: admin, "parked 64 40 \(size)", "hold")
                defer { holder.stop() }
                try holder.waitForOutput("holding")
                let grown = try #require(ProcessFacts(pid: fort.core)).residentKilobytes - before
                #expect(grown < 30_000, "\(grown) KiB for requests of \(size) bytes")
                #expect(try fort.attack(nil, socket: admin, "admin", "statuses 3").count == 2)
            }
            try fort.stands()
        }

        // MARK: Descriptors

        @Test func `however many users connect, descriptors are left for the others and for root`() throws {
            let fort = try Fort()
            let admin = try fort.adminSocket
            let before = ProcessFacts.descriptorCount(of: fort.core)
            let crowd = try fort.start(nil, socket: admin, "crowd 300 10", "hold")
            defer { crowd.stop() }
            try crowd.waitForOutput("holding", within: .seconds(30))
            let open = try #require(crowd.output.split(separator: " ").first.flatMap { Int($0) }, "\(crowd.output)")
            #expect((300...1100).contains(open), "each of them has something: \(crowd.output)")
            let most = WireLimits.adminConnections + WireLimits.pendingConnections
            #expect(ProcessFacts.descriptorCount(of: fort.core) - before <= most + 20, "\(crowd.output)")
            // Who comes later has a place nevertheless, and so has root.
            #expect(try fort.attack(fort.stranger, socket: admin, "admin", "statuses 2").first == "connected 0")
            #expect(try fort.attack(nil, socket: admin, "admin", "statuses 2").first == "connected 0")
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
            crowd.stop()
            try fort.stands()
        }

        // MARK: Streams

        @Test func `streams with wrong tokens are told so at a pace, and closed without a word above it`() throws {
            let fort = try Fort()
            let flood = try fort.start(fort.worker, "wrong_streams 3000")
            defer { flood.stop() }
            for _ in 0..<20 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            #expect(try flood.waitForExit(within: .seconds(30)).isSuccess, "\(flood.output)")
            let told = try #require(flood.output.split(separator: " ").first.flatMap { Int($0) }, "\(flood.output)")
            #expect((WireLimits.wrongStreams.each.atOnce..<3000).contains(told), "\(told)")
            let text = "streams of a user come too fast with tokens that are not valid"
            #expect(Self.lines(fort, text) == 1, "\(fort.site.log().suffix(2000))")
            try fort.stands()
        }

        // MARK: Time

        @Test func `pings without a pause take little of the core's time`() async throws {
            // Frames of each kind of peer that the core may look at in four seconds, and what it had at once.
            let limits = [("admin", 400), ("control", 40_000), ("worker", 70_000)]
            try await together(limits) { try Self.ping(as: $0.0, limit: $0.1) }
        }

        private static func ping(as role: String, limit: Int) throws {
            let fort = try Fort()
            let flood: RunningProgram
            var master: RunningProgram?
            defer { master?.stop() }
            switch role {
            case "admin": flood = try fort.start(fort.stranger, socket: fort.adminSocket, "pings 8 4")
            case "control": flood = try fort.start(fort.worker, "pings 8 4 control")
            default:
                let vault = try fort.app("vault", owner: Machine.appUsers[2])
                let manifest = "manifest bank 7 \(fort.worker.uid) \(Self.token) vault app_root=\(vault)"
                master = try fort.hold(nil, "control @front=bank", manifest)
                flood = try fort.start(fort.worker, "pings 8 4 control @front=bank @token=\(Self.token)")
            }
            defer { flood.stop() }
            for _ in 0..<20 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            _ = try flood.waitForExit()
            let answered = try #require(flood.output.split(separator: " ").first.flatMap { Int($0) }, "\(flood.output)")
            #expect((1...limit).contains(answered), "\(answered) pings were answered")
            master?.stop()
            try fort.stands()
        }

        @Test func `connections of many users one after the other fill no log`() throws {
            let fort = try Fort()
            let admin = try fort.adminSocket
            let before = fort.site.log().utf8.count
            let flood = try fort.start(nil, socket: admin, "mistakes 200 4")
            defer { flood.stop() }
            for _ in 0..<20 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            _ = try flood.waitForExit()
            let lines = fort.site.log().utf8.dropFirst(before).count { $0 == UInt8(ascii: "\n") }
            #expect(lines < 700, "\(lines) lines for \(flood.output)")
            #expect(try fort.attack(nil, socket: admin, "admin", "statuses 2").first == "connected 0")
            let budgets = try #require(try fort.site.status().budgets)
            #expect(budgets.contains { $0.name == "log lines about peers" && $0.refused > 0 }, "\(budgets)")
            try fort.stands()
        }

        // MARK: Settings

        @Test func `settings that change all the time are taken over a few times a minute`() throws {
            let fort = try Fort()
            let shop = try fort.app("open/shop", owner: Machine.appUsers[2])
            let prepare = ["control", "define 1 shop app_root=\(shop) max_instances=1", "checkout 1", "release"]
            _ = try fort.attack(fort.worker, prepare)
            let before = fort.site.log().split(separator: "\n").count
            let flips = try fort.attack(fort.worker, ["control", "flips shop 8000 app_root=\(shop)", "checkout 1"])
            #expect(flips[1] == "8000 accepted, 0 rejected", "\(flips)")
            #expect(flips[2].hasPrefix("granted "), "the app goes on: \(flips)")
            let changed = Self.lines(fort, "settings changed")
            #expect((1...WireLimits.settingsChangesOfApp.each.atOnce).contains(changed), "\(changed) changes")
            let lines = fort.site.log().split(separator: "\n").count - before
            #expect(lines < 100, "\(lines) lines")
            // What has authority may change as often as it likes.
            let root = try fort.attack(nil, ["control", "flips vault 200 app_root=\(shop)"])
            #expect(root.last == "200 accepted, 0 rejected")
            #expect(Self.lines(fort, "settings changed") >= changed + 199)
            try fort.mark()
            try fort.stands()
        }

        // MARK: Measurements

        @Test func `an application of endless zero pages delays nobody's status`() throws {
            let fort = try Fort(others: [.init("zeros", from: nil)])
            let eve = Machine.appUsers[2]
            _ = try fort.app("zeros", owner: eve, text: Self.zeros)
            _ = try fort.site.page("zeros")
            let admin = try fort.adminSocket
            let flood = try (0..<12).map { _ in try fort.start(eve, socket: admin, "admin", "statuses 40") }
            defer { for one in flood { one.stop() } }
            var slowest = Duration.zero
            for _ in 0..<10 {
                let start = ContinuousClock.now
                let processes = try fort.site.status().groups.flatMap(\.processes)
                #expect(processes.count == 2 && processes.allSatisfy { $0.memoryKilobytes != nil })
                slowest = max(slowest, ContinuousClock.now - start)
                pause(.milliseconds(100))
            }
            #expect(slowest < .seconds(2), "root's status took \(slowest)")
            for one in flood { one.stop() }
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
        }

        /// Maps 16 GiB that read as zeros: they cost page tables only, and the kernel walks them all to count them.
        private static let zeros = """
            import ctypes
            import os

            libc = ctypes.CDLL(None)
            libc.mmap.restype = ctypes.c_void_p
            libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
            libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
            SIZE, READ, PRIVATE_ANONYMOUS_NORESERVE, NO_HUGE_PAGES, POPULATE_READ = 16 << 30, 1, 0x4022, 15, 22
            zeros = libc.mmap(None, SIZE, READ, PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
            libc.madvise(zeros, SIZE, NO_HUGE_PAGES)
            if libc.madvise(zeros, SIZE, POPULATE_READ):
                for page in range(zeros, zeros + SIZE, 4096):
                    ctypes.c_char.from_address(page).value

            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [f"{os.getpid()}\\n".encode()]

            """

        // MARK: Restarts

        @Test func `a process that ends in each of its requests is not started a dozen times a second`() throws {
            let fort = try Fort(others: [.init("suicide", from: nil, settings: ["passenger_min_instances 0;"])])
            _ = try fort.app("suicide", owner: Machine.appUsers[2], text: Self.suicide)
            let start = ContinuousClock.now
            var answers: [Int] = []
            var wasShown = false
            while ContinuousClock.now - start < .seconds(6) {
                answers.append(try fort.site.get("suicide", "/").status)
                guard answers.count > 5, !wasShown else { continue }
                wasShown = try fort.site.status().groups.contains { $0.nextStartMilliseconds != nil }
            }
            // Each ended the process that it was in, and none was refused for those before it.
            #expect(answers.allSatisfy { $0 == 502 }, "\(answers)")
            #expect(Self.lines(fort, "backoff") == 0)
            #expect((7...14).contains(answers.count), "\(answers.count) starts in six seconds")
            #expect(wasShown && fort.site.log().contains("next-start-in="))
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
        }

        private static let suicide = """
            import os

            def application(environ, start_response):
                os.kill(os.getpid(), 9)

            """
    }
}
