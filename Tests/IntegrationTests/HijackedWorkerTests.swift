// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// What somebody who has taken over a worker of the front can do to its master, by the descriptors of the real one.
    @Suite(.enabled(if: Machine.isRoot, "takes descriptors of other processes"), .timeLimit(.minutes(2)))
    struct HijackedWorkerTests {
        private let site: Site
        private let accessLog: String
        private let script: String

        init() throws {
            site = try Site(apps: [.init("wsgi", from: "wsgi", owner: Machine.appUsers[0])])
            accessLog = site.directory.file("access.log")
            script = try site.directory.write(
                try Repository.text("Tests/IntegrationTests/Scripts/hijacked-worker.py"),
                to: "hijacked-worker.py"
            )
            site.httpSettings.append("access_log \(accessLog);")
            try site.writeConfiguration()
            try site.startDaemon()
            try site.startFront(flags: ["--threads=1"])
            _ = try site.page("wsgi", "/pid")
        }

        private var log: String { (try? TestFile.text(site.frontLog)) ?? "" }

        private func worker() throws -> Int32 { try #require(try site.workerPIDs().last) }

        private func attack(_ worker: Int32, _ words: String...) throws -> String {
            let outcome = try Shell.run(["/usr/bin/python3", script, "\(worker)"] + words, within: .seconds(60))
            try #require(outcome.status.isSuccess, "\(outcome.output)")
            return outcome.output
        }

        @Test(arguments: ["descriptors", "megabytes", "garbage", "frames"])
        func `whoever talks to the master is cut off, and leaves nothing in it`(_ attack: String) throws {
            let master = try #require(site.front).pid
            let worker = try worker()
            let descriptors = ProcessFacts.descriptorCount(of: master)
            let memory = try #require(ProcessFacts(pid: master)).residentHighWaterKilobytes
            let output = try self.attack(worker, attack)
            if attack == "descriptors", Machine.canRefuseDescriptors {
                // The kernel takes neither them nor the bytes that they come with: the master hears of nothing.
                #expect(output == "stopped by Operation not permitted\ndescriptors 0\n")
                #expect(try self.worker() == worker)
            } else {
                try eventually("another worker", within: .seconds(15)) {
                    try site.workerPIDs().allSatisfy { $0 != worker } && (try? site.page("wsgi", "/pid")) != nil
                }
                #expect(
                    log.contains("worker breaks the rules, ending it pid=\(worker)"),
                    "\(log.suffix(2000))\n\(output)"
                )
            }
            try eventually("the descriptors of the master: \(descriptors)") {
                ProcessFacts.descriptorCount(of: master) <= descriptors
            }
            let grown = try #require(ProcessFacts(pid: master)).residentHighWaterKilobytes - memory
            #expect(grown < 16 << 10, "\(grown) KiB more; \(output)")
        }

        @Test func `a worker has no log that it could empty or change`() throws {
            let worker = try worker()
            #expect(try attack(worker, "files") == "")
            let before = log
            #expect(try attack(worker, "forge") == "refused\nrefused\nrefused\n")
            try eventually("the lines") { log.contains("forged last") }
            #expect(log.hasPrefix(before))
            let forged = log.split(separator: "\n").filter { $0.contains("forged") }
            #expect(forged.count == 5, "\(forged)")
            for line in forged {
                #expect(line.contains(#/^[EFW], \[[-0-9]+T[:.0-9]+ #/#) && line.contains(" #\(worker)] "), "\(line)")
                #expect(!line.utf8.contains { $0 < 0x20 } && line.utf8.count < 9_000)
            }
            #expect(forged.contains { $0.contains("WARN -- : output of the process: E, [2030") })
            #expect(try self.worker() == worker, "it breaks no rule")
        }

        @Test func `lines for an access log are added, and drive nobody's terminal`() throws {
            let worker = try worker()
            try eventually("the line of the page") { try TestFile.text(accessLog).contains("GET /pid") }
            let before = try TestFile.text(accessLog)
            _ = try attack(worker, "lines")
            try eventually("the line") { try TestFile.text(accessLog).contains("forged") }
            #expect(try TestFile.text(accessLog) == before + "forged ?[2J line?of the access log\n")
            #expect(try self.worker() == worker)
        }

        @Test func `a flood of log lines is slowed down, and neither stops requests nor other lines`() throws {
            let worker = try worker()
            let flood = try RunningProgram(
                ["/usr/bin/python3", script, "\(worker)", "flood", "6"],
                log: site.directory.file("flood.out")
            )
            defer { flood.stop() }
            try eventually("the log of the flood") { log.contains(" -- : f\n") }
            for _ in 0..<50 { _ = try site.page("wsgi", "/pid") }
            try site.front?.signal(.user1)
            try eventually("the master's own line") { log.contains("logs opened anew") }
            _ = try flood.waitForExit()
            let taken = try #require(flood.output.split { " \n".contains($0) }.last.flatMap { Int($0) })
            // 4 MiB at once and 512 KiB a second, counted with what a line costs.
            #expect(taken < 2 << 20, "\(taken) bytes")
            #expect(log.utf8.count < 12 << 20, "\(log.utf8.count) bytes")
            #expect(try self.worker() == worker)
        }
    }
}
