// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// A client that keeps its connection and asks for nothing costs a descriptor and little else, and does not notice that.
    struct IdleClientTests {
        /// A site without applications that answers 204.
        private static func site(events: String = "", http: String = "") throws -> Site {
            let site = try Site(apps: [])
            let server = "server { listen 127.0.0.1:\(site.port); return 204; }"
            let text = "worker_processes 1;\nevents { \(events) }\nhttp { \(http) \(server) }\n"
            try site.directory.write(text, to: "front-proxy.conf")
            try site.startFront()
            return site
        }

        private static func client(_ site: Site) throws -> HTTPConnection {
            let client = try HTTPConnection(port: site.port)
            #expect(try ask(client).status == 204)
            return client
        }

        private static func ask(_ client: HTTPConnection) throws -> HTTPResponse {
            try client.get("/", host: "x")
        }

        /// How many descriptors each epoll instance of the worker watches.
        private static func watched(_ site: Site) throws -> [String: Int] {
            let worker = try #require(try site.workerPIDs().last)
            var counts: [String: Int] = [:]
            for name in TestFile.names(in: "/proc/\(worker)/fdinfo") {
                // One that was closed meanwhile has no text.
                let text = (try? TestFile.text("/proc/\(worker)/fdinfo/\(name)")) ?? ""
                let count = text.split(separator: "\n").count { $0.hasPrefix("tfd:") }
                if count > 0 { counts[name] = count }
            }
            return counts
        }

        /// Connects clients whose connections are channels first, and later nothing but descriptors that the acceptor watches.
        private static func silentClients(_ count: Int, _ site: Site) throws -> [HTTPConnection] {
            let clients = try (0..<count).map { _ in try client(site) }
            let loop = try #require(try watched(site).max { $0.value < $1.value })
            #expect(loop.value >= count)
            try eventually("the acceptor to keep \(count) connections") {
                let now = try watched(site)
                return now[loop.key, default: 0] < count && now.contains { $0.key != loop.key && $0.value >= count }
            }
            return clients
        }

        /// All of them wait for the five seconds after which a client counts as silent.
        @Test(.timeLimit(.minutes(1)))
        func `clients that were silent for long go on, go at a reload, and make room`() async throws {
            let scenarios = [Self.goOn, Self.askOnceMore, Self.makeRoom]
            try await together(scenarios) { try $0() }
        }

        /// Who was silent for long goes on where it was, and whoever leaves is forgotten.
        @Sendable private static func goOn() throws {
            let site = try Self.site(http: "keepalive_timeout 8s;")
            var clients = try Self.silentClients(40, site)
            // Asks again, more than once.
            for _ in 0..<3 { #expect(try Self.ask(clients[0]).status == 204) }
            // Asks and shuts its side in one go.
            try clients[1].send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try clients[1].finishSending()
            #expect(try clients[1].readResponse().status == 204)
            #expect(try clients[1].isClosed())
            // Leaves without a word.
            clients.removeLast(20)
            // Is told to go when its time is over.
            #expect(try clients[2].isClosed(within: .seconds(20)))
            clients = []
            try eventually("all to be forgotten") { try Self.watched(site).values.allSatisfy { $0 < 20 } }
        }

        /// A reload lets the silent ones ask once more, and ends.
        @Sendable private static func askOnceMore() throws {
            let site = try Self.site()
            let clients = try Self.silentClients(40, site)
            let worker = try site.workerPIDs()
            try site.front?.signal(.hangUp)
            try eventually("an answer that is the last one") {
                let answer = try Self.ask(clients[0])
                #expect(answer.status == 204)
                return answer.header("connection") == "close"
            }
            #expect(try clients[1].isClosed(within: .seconds(20)))
            try eventually("the old worker to end") { try site.workerPIDs().allSatisfy { !worker.contains($0) } }
        }

        /// The silent ones give way when descriptors are short.
        @Sendable private static func makeRoom() throws {
            let site = try Self.site(events: "worker_connections 48;")
            let clients = try Self.silentClients(40, site)
            // As many as may be and some more: the oldest make room.
            let others = try (0..<20).map { _ in try Self.client(site) }
            #expect(try Self.ask(others[19]).status == 204)
            #expect(try clients[0].isClosed())
        }
    }
}
