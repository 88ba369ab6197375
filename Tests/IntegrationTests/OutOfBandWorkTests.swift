// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// Applications that ask for time outside of requests, through front and daemon.
    @Suite(
        .enabled(if: Integration.hasRuby && Integration.hasNode, "needs ruby and node"),
        .timeLimit(.minutes(2))
    )
    struct OutOfBandWorkTests {
        private static func app(_ type: String) -> Site.App {
            let file = type == "node" ? ["passenger_startup_file app.js;"] : []
            return .init(
                type,
                from: "out-of-band",
                owner: Integration.owner(0),
                settings: ["passenger_app_type \(type);", "passenger_max_instances 2;"] + file
            )
        }

        /// What `passenger-config` says when work of a process is asked for, and how it ends.
        private static func request(_ site: Site, _ pid: Int32, as user: UserAccount? = nil) throws -> Shell.Outcome {
            // Its admin socket is there for everybody.
            let registry = "--instance-registry-dir=\(site.directory.file("registry"))"
            return try Shell.run(
                [Repository.program("passenger-config"), "request-oob-work", "\(pid)", registry],
                as: user
            )
        }

        /// What its processes have noted of their work.
        private static func work(_ site: Site, _ app: String) -> [String] {
            let log = (try? TestFile.text("\(site.root(of: app))/work.log")) ?? ""
            return log.split(separator: "\n").map(String.init)
        }

        private static func hold(_ site: Site, _ app: String) throws {
            try site.directory.write("", to: "apps/\(app)/hold")
        }

        private static func letGo(_ site: Site, _ app: String) throws {
            try Files.remove("\(site.root(of: app))/hold")
        }

        private static func state(_ site: Site, _ app: String, of pid: Int32) throws -> ProcessReport.State? {
            try site.processes(of: app).first { $0.pid == pid }?.state
        }

        @Test func `a process that works gets no request, and the others answer all of them`() throws {
            let apps = ["rack", "wsgi", "node"]
            let site = try Site.running(apps.map(Self.app))
            for app in apps {
                try Self.hold(site, app)
                let answer = try site.page(app, "/ask")
                #expect(answer.header("x-passenger-request-oob-work") == nil)
                let pid = try #require(answer.pid)
                // The only process works once there is another one.
                try eventually("\(app) works") { Self.work(site, app) == ["begin \(pid)"] }
                #expect(try Self.state(site, app, of: pid) == .disabled)
                let load = try site.load(clients: 3, app: app, path: "/")
                try load.waitForAnswers(30)
                #expect(!load.current.pids.contains(pid) && load.current.pids.count == 1)
                try Self.letGo(site, app)
                try eventually("\(app) serves again") { load.current.pids.contains(pid) }
                let result = load.stop()
                #expect(result.lost == [] && result.refused == [])
                #expect(Self.work(site, app) == ["begin \(pid)", "end \(pid)"])
                #expect(try Self.state(site, app, of: pid) == .enabled)
                try Self.askOtherwise(site, app)
            }
        }

        /// By the newer name of the header and by the middleware; no visitor sees any of them.
        private static func askOtherwise(_ site: Site, _ app: String) throws {
            for (number, path) in (["/ask-newly"] + (app == "rack" ? ["/middleware"] : [])).enumerated() {
                let answer = try site.page(app, path)
                #expect(!answer.headers.contains { $0.name.contains("oob") }, "\(app)\(path)")
                try eventually("work of \(app) after \(path)") {
                    Self.work(site, app).count { $0.hasPrefix("end ") } == number + 2
                }
            }
        }

        @Test func `an administrator and the app's own user may ask for work, and nobody else finds the process`()
            throws
        {
            let site = try Site.running([Self.app("rack")])
            let pid = try #require(try site.page("rack").pid)
            if let owner = Integration.owner(0), let stranger = Integration.owner(1) {
                let refused = try Self.request(site, pid, as: stranger)
                #expect(refused.status == .exited(1))
                let text = "No application that you may control has a process"
                #expect(refused.output == "\(text) \(pid).\n")
                // The front's, which is there, and is none of an application's.
                let other = try #require(site.front?.pid)
                #expect(try Self.request(site, other, as: stranger).output == "\(text) \(other).\n")
                #expect(try Self.request(site, other).output == "\(text) \(other).\n")
                #expect(Self.work(site, "rack") == [])
                #expect(try Self.request(site, pid, as: owner).status == .exited(0))
                // Before that a second process has to be there.
                try eventually("work for its user") { Self.work(site, "rack") == ["begin \(pid)", "end \(pid)"] }
                try eventually("the process serves again") { try Self.state(site, "rack", of: pid) == .enabled }
            }
            let before = Self.work(site, "rack").count
            let done = try Self.request(site, pid)
            #expect(done.status == .exited(0))
            #expect(done.output == "Process \(pid): out-of-band work requested.\n")
            try eventually("work for an administrator") { Self.work(site, "rack").count == before + 2 }
        }

        @Test func `one that takes too long is replaced, or serves again where it takes several requests`() throws {
            let site = try Site.running(["wsgi", "node"].map(Self.app), daemonFlags: ["--oobw-timeout=1s"])
            for app in ["wsgi", "node"] {
                try Self.hold(site, app)
                let pid = try #require(try site.page(app, "/ask").pid)
                try eventually("a warning about \(app)") {
                    site.log().contains(
                        app == "node" ? "process serves again, although" : "process is replaced, because"
                    )
                }
                let isInService = try Self.state(site, app, of: pid) == .enabled
                #expect(isInService == (app == "node"))
                for _ in 0..<10 where app == "wsgi" { #expect(try site.page(app).pid != pid) }
                if app == "node" { try eventually("its answer") { try site.page(app).pid == pid } }
                try Self.letGo(site, app)
            }
        }
    }
}
