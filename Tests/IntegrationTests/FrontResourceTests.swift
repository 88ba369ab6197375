// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// A front whose disk or descriptor table is full, and whose logs are rotated: it says so, goes on, and recovers by
    /// itself.
    @Suite(.enabled(if: Integration.hasRuby, "needs ruby"), .timeLimit(.minutes(3)))
    struct FrontResourceTests {
        /// A site whose front sees a small disk of its own at `small` of the site's directory.
        private static func site(smallDisk size: String, mode: String = "1777", http: (Site) -> [String]) throws -> Site
        {
            let site = try Site(apps: [.init("rack", from: "rack", owner: Integration.owner(0))])
            site.httpSettings += http(site)
            try site.writeConfiguration()
            let place = site.directory.file("small")
            try Files.makeDirectories(place)
            let script = "mount -t tmpfs -o size=\(size),mode=\(mode) small \"$0\"; exec \"$@\""
            site.frontWrapper = ["unshare", "--mount", "--propagation", "private", "bash", "-euc", script, place]
            return site
        }

        /// A path on the small disk, as it is reached from outside of the front's namespace.
        private static func small(_ name: String, of site: Site) throws -> String {
            let front = try #require(site.front)
            return "/proc/\(front.pid)/root\(site.directory.file("small"))/\(name)"
        }

        private static func fill(_ site: Site) throws {
            // It ends because there is no more room, which is what it is for.
            _ = try Shell.run(["dd", "if=/dev/zero", "of=\(small("filler", of: site))", "bs=4k", "status=none"])
        }

        private static func free(_ site: Site) throws { try Files.remove(small("filler", of: site)) }

        private static func frontLog(_ site: Site) -> String { (try? TestFile.text(site.frontLog)) ?? "" }

        private static func upload(_ site: Site, bytes: Int) throws -> HTTPResponse {
            let client = try HTTPConnection(port: site.port)
            try client.send("PUT /echo HTTP/1.1\r\nHost: rack.localhost\r\nContent-Length: \(bytes)\r\n\r\n")
            // A client that is refused early may find its connection closed.
            try? client.send([UInt8](repeating: 1, count: bytes))
            return try client.readResponse()
        }

        private static func descriptors(_ site: Site) throws -> Int {
            ProcessFacts.descriptorCount(of: try #require(site.workerPIDs().first))
        }

        // MARK: Disk

        @Test(.enabled(if: Machine.canUnshare, "needs root and namespaces of its own"))
        func `a full disk costs large bodies their answer and nothing else, until there is room again`() throws {
            let site = try Self.site(smallDisk: "8m") { ["passenger_data_buffer_dir \($0.directory.file("small"));"] }
            try site.startDaemon()
            try site.startFront(flags: ["--threads=1"])
            #expect(try Self.upload(site, bytes: 3 << 20).text.hasPrefix("\(3 << 20) "))
            _ = try site.page("rack", "/pid")
            let worker = try #require(try site.workerPIDs().first)
            let descriptors = try Self.descriptors(site)
            let memory = try #require(ProcessFacts(pid: worker)).residentHighWaterKilobytes
            try Self.fill(site)
            for _ in 0..<20 {
                let refused = try Self.upload(site, bytes: 3 << 20)
                #expect(refused.status == 500 && refused.text.contains("could not be stored"), "\(refused.text)")
                #expect(try site.page("rack", "/pid").status == 200)
                #expect(try Self.upload(site, bytes: 100_000).text.hasPrefix("100000 "), "it fits into memory")
            }
            // A client that reads nothing, so that the answer has to be stored.
            let slow = try HTTPConnection(port: site.port)
            try slow.send("GET /download?bytes=64000000 HTTP/1.1\r\nHost: rack.localhost\r\n\r\n")
            try eventually("the process is free") { try site.processes(of: "rack").allSatisfy { $0.sessions == 0 } }
            #expect(try slow.readToEnd().count < 64_000_000, "the answer is broken off")
            let log = Self.frontLog(site)
            let lines = log.split(separator: "\n").filter {
                $0.contains("a temporary file failed, see data_buffer_dir")
            }
            // Twenty requests, one line: the rest of the minute is counted.
            #expect((1...2).contains(lines.count), "\(lines)")
            #expect(lines.allSatisfy { $0.contains("No space left on device") && $0.contains("/small") }, "\(lines)")
            try Self.free(site)
            #expect(try Self.upload(site, bytes: 3 << 20).text.hasPrefix("\(3 << 20) "))
            #expect(try site.workerPIDs() == [worker])
            try eventually("the descriptors are back") { try Self.descriptors(site) <= descriptors }
            let growth = try #require(ProcessFacts(pid: worker)).residentHighWaterKilobytes - memory
            #expect(growth < 24 << 10, "\(growth) KB more")
        }

        @Test(.enabled(if: Machine.canUnshare, "needs root and namespaces of its own"))
        func `full disks of the logs cost lines, which are counted, and no line begins inside another`() throws {
            let site = try Self.site(smallDisk: "256k", mode: "755") {
                ["access_log \($0.directory.file("small/access.log"));"]
            }
            try site.startDaemon()
            try site.startFront(flags: ["--threads=1", "--log-file=\(site.directory.file("small/front.log"))"])
            func text(_ name: String) throws -> String { try TestFile.text(Self.small(name, of: site)) }
            func ask(_ count: Int) throws {
                var client = try HTTPConnection(port: site.port)
                for _ in 0..<count {
                    let isLast = try client.get("/pid", host: "rack.localhost").header("connection") == "close"
                    // From a worker that drains.
                    if isLast { client = try HTTPConnection(port: site.port) }
                }
            }
            try ask(30)
            try eventually("the lines") { try text("access.log").pieces(between: "GET /pid").count == 31 }
            try Self.fill(site)
            // What is left of the last page takes some.
            try ask(300)
            try eventually("the access log takes no more") {
                let before = try text("access.log")
                try ask(1)
                pause(.milliseconds(1_200))
                return try text("access.log") == before
            }
            // Says something, which cannot be written.
            for _ in 0..<100 { _ = try Self.upload(site, bytes: 3 << 20) }
            try site.front?.signal(.hangUp)
            #expect(try site.page("rack", "/pid").status == 200, "it serves on")
            try Self.free(site)
            try ask(50)
            try eventually("both logs go on, and say what they lost", within: .seconds(60)) {
                try ask(1)
                pause(.milliseconds(100))
                let log = try text("front.log")
                return log.contains("lines of the access log were lost") && log.contains("No space left on device")
                    && log.contains("/small/access.log")
            }
            let lines = try text("access.log").split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.last?.isEmpty == true)
            let broken = lines.dropLast().filter { $0.wholeMatch(of: Self.line) == nil }
            #expect(broken.count <= 1, "only the line that was cut off: \(broken)")
        }

        // MARK: Rotation

        private static var line: Regex<Substring> {
            #/127\.0\.0\.1 - - \[[^\]]+\] "(?:GET /pid|PUT /echo) HTTP/1\.1" \d+ \d+ "-" "-" \S+ \S+ \S+ "[^" ]+" \S+/#
        }

        private static func rotating() throws -> (site: Site, path: String) {
            let site = try Site(apps: [.init("rack", from: "rack", owner: Integration.owner(0))])
            let path = site.directory.file("access.log")
            site.httpSettings.append("access_log \(path);")
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront()
            _ = try site.page("rack")
            return (site, path)
        }

        @Test func `renamed logs lose no line and tear none, while requests go on`() throws {
            let (site, path) = try Self.rotating()
            let load = try site.load(clients: 8, app: "rack")
            var paths = [path]
            for number in 1...6 {
                try load.waitForAnswers(300)
                try Files.rename(path, to: "\(path).\(number)")
                try Files.rename(site.frontLog, to: "\(site.frontLog).\(number)")
                paths.append("\(path).\(number)")
                try site.front?.signal(.user1)
                try eventually("both logs are there anew") {
                    TestFile.exists(path) && Self.frontLog(site).contains("logs opened anew")
                }
            }
            let result = load.stop()
            #expect(result.lost.isEmpty && result.refused.isEmpty && result.repeated == 0)
            func lines() throws -> [Substring] {
                try paths.flatMap { try TestFile.text($0).split(separator: "\n") }.filter { $0.contains("GET /pid") }
            }
            try eventually("all lines are written") { try lines().count >= result.answered }
            let all = try lines()
            #expect(all.count == result.answered)
            #expect(all.allSatisfy { $0.wholeMatch(of: Self.line) != nil })
            // The next rotation finds every file closed.
            let worker = try #require(try site.workerPIDs().first)
            let open = TestFile.names(in: "/proc/\(worker)/fd").compactMap {
                try? Files.readLink("/proc/\(worker)/fd/\($0)")
            }
            #expect(!open.contains { $0.contains("access.log.") || $0.contains("front.log.") }, "\(open)")
        }

        @Test func `logs that are copied and emptied go on at their beginning, with whole lines`() throws {
            let (site, path) = try Self.rotating()
            let load = try site.load(clients: 8, app: "rack")
            for number in 1...6 {
                try load.waitForAnswers(300)
                try eventually("something is in it") { try FileStatus(path: path).size > 0 }
                for file in [path, site.frontLog] {
                    let outcome = try Shell.run([
                        "bash", "-euc", "cp \"$0\" \"$0.\(number)\"; truncate --size=0 \"$0\"", file,
                    ])
                    #expect(outcome.status.isSuccess, "\(outcome.output)")
                }
            }
            try load.waitForAnswers(300)
            let result = load.stop()
            #expect(result.lost.isEmpty && result.refused.isEmpty && result.repeated == 0)
            try site.front?.signal(.user1)
            try eventually("the last lines") { Self.frontLog(site).contains("logs opened anew") }
            try eventually("the file is not empty") { try FileStatus(path: path).size > 0 }
            // A file that is not appended to would have a hole of zeros at its beginning.
            for file in [path, site.frontLog] {
                let text = try TestFile.text(file)
                #expect(!text.contains("\0") && text.utf8.count < 2 << 20)
            }
            let lines = try TestFile.text(path).split(separator: "\n")
            #expect(!lines.isEmpty && lines.allSatisfy { $0.wholeMatch(of: Self.line) != nil })
            for number in 1...6 {
                // The copy may have ended while a batch was written.
                let copy = try TestFile.text("\(path).\(number)").split(separator: "\n").dropLast()
                #expect(copy.allSatisfy { $0.contains("GET / ") || $0.wholeMatch(of: Self.line) != nil })
            }
        }

        // MARK: Descriptors

        /// A front that may open few descriptors, with one event loop.
        private static func short(of limit: Int) throws -> Site {
            let settings = ["passenger_max_instances 1;"]
            let site = try Site(apps: [
                .init("rack", from: "rack", owner: Integration.owner(0), settings: settings)
            ])
            site.frontWrapper = ["prlimit", "--nofile=\(limit):\(limit)"]
            try site.startDaemon()
            try site.startFront(flags: ["--threads=1"])
            _ = try site.page("rack", "/pid")
            return site
        }

        @Test(.enabled(if: Machine.has("prlimit"), "needs prlimit"))
        func `connections that nobody uses make room for those who ask`() throws {
            let site = try Self.short(of: 80)
            var idle: [HTTPConnection] = []
            for _ in 0..<200 {
                let client = try HTTPConnection(port: site.port, limit: .seconds(20))
                #expect(try client.get("/pid", host: "rack.localhost").status == 200)
                idle.append(client)
            }
            let log = Self.frontLog(site)
            #expect(log.contains("cannot accept connections") && log.contains("Too many open files"))
            #expect(log.pieces(between: "cannot accept connections").count == 2, "once in a minute")
            withExtendedLifetime(idle) {}
        }

        @Test(.enabled(if: Machine.has("prlimit"), "needs prlimit"))
        func `a full descriptor table gives every request an answer, and is left behind`() throws {
            let site = try Self.short(of: 80)
            let descriptors = try Self.descriptors(site)
            let worker = try #require(try site.workerPIDs().first)
            for _ in 0..<3 {
                let clients = try (0..<150).map { _ in
                    let client = try HTTPConnection(port: site.port, limit: .seconds(60))
                    try client.send("GET /sleep?ms=10 HTTP/1.1\r\nHost: rack.localhost\r\n\r\n")
                    return client
                }
                var statuses: [Int: Int] = [:]
                for client in clients {
                    let response = try client.readResponse()
                    statuses[response.status, default: 0] += 1
                    if response.status == 503 { #expect(response.header("retry-after") != nil) }
                }
                #expect(statuses.keys.allSatisfy { [200, 503].contains($0) }, "\(statuses)")
                #expect(statuses[200, default: 0] > 0, "\(statuses)")
            }
            let log = Self.frontLog(site)
            #expect(log.contains("cannot accept connections") && log.contains("Too many open files"), "\(log)")
            #expect(try site.page("rack", "/pid").status == 200)
            #expect(try site.workerPIDs() == [worker])
            try eventually("the descriptors are back") { try Self.descriptors(site) <= descriptors }
            #expect(try site.processes(of: "rack").allSatisfy { $0.sessions == 0 })
        }
    }
}
