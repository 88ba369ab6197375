// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// `passenger-memory-stats` and the memory in the status, of processes that really are there.
    @Suite(.timeLimit(.minutes(1)))
    struct MemoryStatsTests {
        @Test func `the memory of front, daemon and applications is shown`() throws {
            let site = try Site.running([
                .init("wsgi", from: "wsgi", owner: Integration.owner(0), settings: ["passenger_min_instances 2;"])
            ])
            _ = try site.page("wsgi")
            var processes: [ProcessReport] = []
            try eventually("two processes whose memory is known") {
                processes = try site.processes(of: "wsgi")
                return processes.count == 2 && processes.allSatisfy { $0.memory?.ownKilobytes != nil }
            }
            for process in processes {
                let memory = try #require(process.memory)
                #expect(process.memoryKilobytes == memory.ownKilobytes && process.isForked == false)
                let own = try #require(memory.ownKilobytes)
                #expect(
                    own > 1024 && memory.virtualKilobytes > memory.residentKilobytes && memory.residentKilobytes > own
                )
            }
            let group = try #require(try site.status().groups.first)
            let sum = try #require(group.memory)
            #expect(sum.savedKilobytes == nil && sum.usedKilobytes > 2048)

            let text = try Self.memoryStats(site)
            let rows = Self.rows(text)
            let workers = try site.workerPIDs()
            #expect(!workers.isEmpty && workers.allSatisfy { rows[$0]?.hasPrefix("front-proxy") == true }, "\(text)")
            #expect(rows[try site.corePID()] == "Passenger core", "\(text)")
            for process in processes {
                #expect(rows[process.pid] == "Passenger WsgiApp: \(site.root(of: "wsgi"))", "\(text)")
            }
            #expect(text.contains("\n### Processes: 4\n### Total private dirty RSS: "), "\(text)")
            #expect(!Machine.isRoot || !text.contains("?"), "\(text)")
            let json = try Self.memoryStats(site, "--json")
            #expect(json.hasPrefix("{") && json.contains("\"pid\" : \(processes[0].pid)"), "\(json)")
        }

        @Test(.enabled(if: Integration.hasRuby, "needs Ruby"))
        func `what processes of a preloader share is shown as a saving`() throws {
            let site = try Site.running([
                .init(
                    "rack",
                    from: "rack",
                    owner: Integration.owner(0),
                    settings: ["passenger_min_instances 3;", "passenger_spawn_method smart;"]
                )
            ])
            _ = try site.page("rack")
            var group: GroupReport?
            try eventually("three forked processes whose memory is known") {
                group = try site.status().groups.first
                return group?.processes.count == 3 && group?.memory != nil
            }
            let rack = try #require(group)
            #expect(rack.processes.allSatisfy { $0.isForked == true })
            let preloader = try #require(rack.preloader)
            #expect(ProcInfo(pid: preloader.pid) != nil && !rack.processes.map(\.pid).contains(preloader.pid))
            let sum = try #require(rack.memory)
            let saved = try #require(sum.savedKilobytes)
            #expect(saved > 0, "\(rack)")
            #expect(sum.ownKilobytes <= sum.usedKilobytes + 1024, "\(rack)")

            let text = try Self.memoryStats(site)
            #expect(Self.rows(text)[preloader.pid] == "Passenger AppPreloader: \(site.root(of: "rack"))", "\(text)")
            #expect(text.contains("\n3 + preloader  "), "\(text)")
            #expect(
                text.contains("\n### Saved by sharing: ") && !text.contains("### Saved by sharing: 0.0 MB"),
                "\(text)"
            )
        }

        @Test func `without a daemon it says so`() throws {
            let place = try TestDirectory()
            let run = try Shell.run([
                Repository.program("passenger-memory-stats"), "--instance-registry-dir=\(place.path)",
            ])
            #expect(run.status == .exited(1))
            #expect(run.output.contains("Flying Passenger is not running"))
        }

        private static func memoryStats(_ site: Site, _ flags: String...) throws -> String {
            let run = try Shell.run(
                [Repository.program("passenger-memory-stats"), "--socket-file=\(site.socket)"] + flags
            )
            #expect(run.status == .exited(0), "\(run.output)")
            return run.output
        }

        /// Name of each PID: what follows the last value.
        private static func rows(_ text: String) -> [Int32: String] {
            var rows: [Int32: String] = [:]
            for line in text.split(separator: "\n") {
                guard let word = line.split(separator: " ").first, let pid = Int32(word),
                    let name = String(line).pieces(between: " MB  ").last, name != line
                else { continue }
                rows[pid] = String(name)
            }
            return rows
        }
    }
}
