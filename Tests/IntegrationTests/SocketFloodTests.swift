// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Attackers at the daemon's sockets that send much, or nothing, and keep others from theirs.
    @Suite(.enabled(if: Machine.isRoot, "attackers need users of their own"), .timeLimit(.minutes(1)))
    struct SocketFloodTests {
        private static let token = "00112233445566778899aabbccddeeff"

        // MARK: Floods

        @Test func `frames that are no frames close their own connection only`() throws {
            let fort = try Fort()
            let huge = "7fffffff10"
            let lines = try fort.attack(
                fort.worker,
                "raw \(huge)00*100000",
                "fresh",
                "raw 0000000001*100000",
                "fresh",
                "raw 00000000",
                "fresh",
                "raw 474554202f20485454502f312e310d0a0d0a",
                "control",
                "raw \(huge)*10000",
                "control",
                "raw 0004000112*60000",
                "control",
                "raw 00000001ee",
                "control",
                "raw ff*1000000",
                "broken_frames 200"
            )
            #expect(lines.filter { $0 == "closed" }.count == 8, "\(lines)")
            #expect(lines.last == "200 closed")
            // What a peer calls itself forges no line.
            let forging = try fort.attack(fort.worker, "control '@front=x\nE, forged'", "raw 00000001ee")
            #expect(forging.last == "closed")
            #expect(!fort.site.log().contains("\nE, forged"))
            // Each has a line in the log, up to a bound.
            let named = fort.site.log().pieces(between: "connection of a front is closed").count - 1
            #expect((4...60).contains(named), "\(named) lines")
            try fort.stands()
        }

        @Test func `a flood of apps and checkouts meets its limits`() throws {
            let fort = try Fort()
            let shop = try fort.app("open/shop", owner: Machine.appUsers[2])
            _ = try fort.attack(
                fort.worker,
                "control",
                "define 1 shop app_root=\(shop) max_instances=1",
                "checkout 1",
                "release"
            )
            try fort.mark()
            let limit = WireLimits.appsPerConnection
            let lines = try fort.attack(
                fort.worker,
                "control",
                "defines 1 \(limit + 10) rejected app_root=/etc",
                "control",
                "defines 1 \(limit) mine app_root=\(shop)",
                "defines 1 1 mine app_root=\(shop)",
                "keep",
                "control",
                "defines 1 3 more app_root=\(shop)",
                "defines 4 \(limit) mine app_root=\(shop)",
                "control",
                "define 1 shop app_root=\(shop) max_instances=1",
                "checkouts 1 40000"
            )
            #expect(lines[1].hasPrefix("0 accepted") && lines[1].hasSuffix(", closed"), "\(lines)")
            #expect(lines[3] == "\(limit - 1) accepted, 1 rejected", "one place is taken by the first app: \(lines)")
            #expect(lines[4] == "1 accepted, 0 rejected", "\(lines)")
            #expect(lines[7] == "0 accepted, 3 rejected", "a limit per user, not per connection: \(lines)")
            #expect(lines[8].hasSuffix(", closed"), "a limit per connection: \(lines)")
            let counts = lines[11].split { !$0.isNumber }.compactMap { Int($0) }
            #expect(counts.count == 2 && counts[0] <= 1 && counts[1] >= 39_800, "\(lines)")
            let rejections = fort.site.log().pieces(between: "settings of an app rejected").count - 1
            #expect(rejections < 200, "\(rejections) lines in the log")
            // Apps that nobody has any more make room for others.
            let later = try fort.attack(fort.worker, "control", "defines 1 3 more app_root=\(shop)")
            #expect(later.last == "3 accepted, 0 rejected", "\(later)")
            #expect(try fort.site.status().groups.count < 10)
            try fort.stands()
        }

        @Test func `thousands of apps to be started before a request keep nobody from starting`() throws {
            let fort = try Fort(others: [.init("late", from: "wsgi", owner: Machine.appUsers[3])])
            let vault = try fort.app("vault", owner: Machine.appUsers[2])
            let flood = "pre_starts bank 7 \(fort.worker.uid) \(Self.token) vault 3000 app_root=\(vault)"
            let master = try fort.hold(nil, "control @front=bank", flood)
            defer { master.stop() }
            try eventually("a full pool") { try fort.site.status().processCount == 16 }
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
            // An idle process of the flood gives way.
            let start = ContinuousClock.now
            _ = try fort.site.page("late")
            #expect(ContinuousClock.now - start < .seconds(5))
            let load = try fort.site.load(clients: 4, app: "wsgi")
            try load.waitForAnswers(500)
            let result = load.stop()
            #expect(result.lost.isEmpty && result.refused.isEmpty && result.pids == [fort.pid])
            #expect(try fort.site.status().processCount <= 16)
            // The front takes its apps back: all of them go, after the grace time that every app has.
            let empty = "manifest bank 8 \(fort.worker.uid) \(Self.token) vault app_root=\(vault)"
            _ = try fort.attack(nil, "control @front=bank", empty)
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
            #expect(try fort.site.corePID() == fort.core)
        }

        @Test func `thousands of apps that hang at start keep nobody from starting for long`() throws {
            let fort = try Fort(
                others: [.init("late", from: "wsgi", owner: Machine.appUsers[3])],
                poolSize: 4
            )
            let hanging = try fort.app("hanging", owner: Machine.appUsers[2], text: "import time\ntime.sleep(1000)\n")
            let flood = "pre_starts bank 7 \(fort.worker.uid) \(Self.token) hanging 3000 app_root=\(hanging)"
            let master = try fort.hold(nil, "control @front=bank", flood)
            defer { master.stop() }
            try eventually("a full pool") { try fort.site.status().processCount == 4 }
            let start = ContinuousClock.now
            _ = try fort.site.page("late")
            // A start gives its slot up after five seconds, and its room to whom a client waits for.
            #expect(ContinuousClock.now - start < .seconds(15))
            // Whose idle process had to go gets another one in the same way.
            _ = try fort.site.page("wsgi", "/pid")
            #expect(ContinuousClock.now - start < .seconds(30))
            #expect(try fort.site.corePID() == fort.core)
        }

        @Test func `a front without authority takes at most half of the pool`() throws {
            let others = (0..<7).map { Site.App("other\($0)", from: "wsgi", owner: Machine.appUsers[3]) }
            let fort = try Fort(others: others)
            let shop = try fort.app("open/shop", owner: Machine.appUsers[2])
            // A session of each of a hundred apps, and none is ever given back.
            let holder = try fort.start(
                fort.worker,
                "control",
                "defines 1 100 mine app_root=\(shop) max_request_queue_size=1000",
                "each 1 100",
                "hold"
            )
            defer { holder.stop() }
            func taken() throws -> Int {
                try fort.site.status().groups.filter { $0.appRoot == shop }.map(\.processes.count).reduce(0, +)
            }
            try eventually("half of the pool") { try taken() == 8 }
            for other in others { _ = try fort.site.page(other.name) }
            #expect(try taken() == 8)
            #expect(try fort.site.status().processCount <= 16)
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
            holder.stop()
            try eventually("all sessions to be over") {
                try fort.site.status().groups.flatMap(\.processes).allSatisfy { $0.sessions == 0 }
            }
        }

        @Test func `a user who asks for the status without a pause is slowed down, and only they`() throws {
            let fort = try Fort()
            let admin = try fort.adminSocket
            let flood = try (0..<4).map { _ in
                try fort.start(fort.stranger, socket: admin, "admin", "statuses 50")
            }
            let start = ContinuousClock.now
            #expect(try fort.attack(fort.trusted, socket: admin, "admin", "statuses 5").last?.hasPrefix("0.") == true)
            #expect(try fort.attack(nil, socket: admin, "admin", "statuses 100").count == 2)
            for _ in 0..<20 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            #expect(ContinuousClock.now - start < .seconds(5), "others had to wait")
            for program in flood { #expect(try program.waitForExit().isSuccess, "\(program.output)") }
            // 200 requests, 40 of them at once and 20 in each second.
            let seconds = flood.compactMap { $0.output.split(separator: "\n").last.flatMap { Double($0) } }
            #expect(seconds.count == 4 && (seconds.max() ?? 0) > 6, "\(seconds)")
            try fort.stands()
        }

        @Test func `a front that runs without authority is told by name what it may not set`() throws {
            let fort = try Fort()
            let shop = try fort.app("open/shop", owner: Machine.appUsers[2])
            let port = try TCPListener.bind(host: "127.0.0.1", port: 0).port
            let front = try RunningProgram(
                [
                    Repository.program("front-proxy"), "--fly-with=\(fort.site.socket)", "--listen=127.0.0.1:\(port)",
                    "--app-root=\(shop)", "--set", "user=lp", "--set", "python=/usr/bin/python3",
                ],
                log: fort.site.directory.file("other-front.log"),
                user: fort.worker
            )
            try eventually("the front to accept connections") { (try? HTTPConnection(port: port)) != nil }
            #expect(try HTTPConnection(port: port).get("/").status == 502)
            let sentence = "needs a manifest from a front with authority"
            #expect(front.output.contains(sentence) && fort.site.log().contains(sentence), "\(front.output)")
            #expect(fort.site.log().contains("setting user needs") || fort.site.log().contains("setting python needs"))
            front.stop()
            try fort.stands()
        }

        @Test func `a flood of connections ends at the limit of its user while others go on`() throws {
            let fort = try Fort()
            let holder = try fort.hold(
                fort.trusted,
                "controls \(WireLimits.controlConnectionsPerUID + 20)",
                "admins \(WireLimits.adminConnectionsPerUID + 20)"
            )
            defer { holder.stop() }
            let lines = holder.output.split(separator: "\n")
            #expect(lines[0] == "\(WireLimits.controlConnectionsPerUID) connected, 20 closed")
            #expect(lines[1] == "\(WireLimits.adminConnectionsPerUID) connected, 20 closed")
            #expect(try fort.attack(nil, "control", "admin").count { $0.hasPrefix("connected ") } == 2)
            #expect(try fort.attack(fort.worker, "control") == ["connected 0"])
            #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid)
            #expect(fort.site.log().pieces(between: "too many connections of a user").count == 3, "one line per role")
            holder.stop()
            try eventually("the places to be free") {
                try fort.attack(fort.trusted, "control", "admin").allSatisfy { $0.hasPrefix("connected ") }
            }
            try fort.stands()
        }

        @Test func `streams of one user leave descriptors to others, however few there are`() throws {
            let fort = try Fort(descriptorLimit: 800)
            let vault = try fort.app("vault", owner: Machine.appUsers[2])
            let prepare = ["control", "define 1 vault app_root=\(vault) max_instances=1", "checkout 1", "release"]
            _ = try fort.attack(fort.trusted, prepare)
            try fort.mark()
            let holder = try fort.hold(fort.trusted, prepare + ["streams 300"])
            defer { holder.stop() }
            let line = try #require(holder.output.split(separator: "\n").dropFirst(4).first)
            // One session, and some to spare; the others are told so.
            #expect(line == "\(1 + WireLimits.spareStreams) attached, 0 closed")
            for _ in 0..<10 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            #expect(try fort.attack(nil, prepare + ["stream"]).last == "attached")
            holder.stop()
            try fort.stands()
        }

        // MARK: Silence

        @Test func `peers that never say who they are are closed, and block nobody`() throws {
            let fort = try Fort()
            let limit = WireLimits.pendingConnectionsPerUID
            let silent = try fort.start(fort.trusted, "silent \(limit + 20)")
            defer { silent.stop() }
            let half = try fort.start(fort.stranger, socket: fort.adminSocket, "raw 0000 1")
            defer { half.stop() }
            try silent.waitForOutput("silent")
            let start = ContinuousClock.now
            for _ in 0..<20 { #expect(try fort.site.page("wsgi", "/pid").pid == fort.pid) }
            #expect(try fort.attack(nil, "control") == ["connected 0"])
            #expect(ContinuousClock.now - start < .seconds(1.5), "others had to wait")
            #expect(try silent.waitForExit().isSuccess, "\(silent.output)")
            let line = try #require(silent.output.split(separator: "\n").last)
            #expect(line.hasPrefix("20 at once, \(limit) after"), "\(line)")
            // Nor is who stops speaking kept: the daemon closes what is half closed, and half a stream is no session.
            let halves = try fort.attack(
                fort.worker,
                "control",
                "halve",
                "fresh",
                "halve",
                "fresh",
                "raw 0000 0",
                "halve"
            )
            #expect(halves.filter { $0 == "closed" }.count == 3, "\(halves)")
            // The beginning of a frame is no more than silence.
            #expect(try half.waitForExit().isSuccess)
            let partial = try fort.attack(fort.worker, "raw 0000005301 4")
            #expect(partial == ["closed"])
            try fort.stands()
        }

        @Test func `peers that do not read are closed`() throws {
            let fort = try Fort()
            // Who is not paced is closed; of others no more is read than they may send.
            #expect(try fort.attack(fort.trusted, "control", "deaf 64") == ["connected 0", "closed"])
            let paced = try fort.attack(fort.worker, "control", "deaf 64")
            #expect(paced[1] == "closed" || paced[1].hasPrefix("stuck after "), "\(paced)")
            let everybody = try fort.attack(
                fort.stranger,
                socket: fort.adminSocket,
                "admin",
                "deaf 64",
                "admin",
                "deaf 64 '{\"command\":\"status\"}'"
            )
            // The daemon reads no more from tools that do not take its answers; their time limit comes later.
            for line in [everybody[1], everybody[3]] {
                #expect(line == "closed" || line.hasPrefix("stuck after "), "\(everybody)")
            }
            #expect(fort.site.log().contains("the peer does not read"))
            let memory = try #require(ProcessFacts(pid: fort.core)).residentHighWaterKilobytes
            #expect(memory < 200_000, "the core took \(memory) KiB")
            try fort.stands()
        }
    }
}
