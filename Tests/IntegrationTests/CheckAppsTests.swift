// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport
import WireProtocol

extension Integration {
    /// What an operator types before an upgrade: `flying-passenger --check-apps`.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(1)))
    struct CheckAppsTests {
        /// An app of joe's; one of mary's in a directory of eve's, and one whose document root eve has led elsewhere.
        private static func site() throws -> Site {
            let site = try Site(
                apps: [
                    .init("good", from: nil), .init("led", from: nil, root: "eve/app"), .init("linked", from: nil),
                    .init("named", from: nil, root: "gone", settings: ["passenger_user joe;"]),
                ],
                httpSettings: ["passenger_load_shell_envvars off;"]
            )
            let wrapper = try OwnAccounts.wrapper(in: site.directory)
            (site.daemonWrapper, site.frontWrapper) = (wrapper, wrapper)
            try site.directory.write(OwnAccounts.wsgi, to: "apps/probe")
            let script = """
                set -e
                cd \(site.directory.file("apps"))
                app() { mkdir -p $2; cp probe $2/passenger_wsgi.py; [ -n "$3" ] || mkdir $2/public; chown -R $1:$1 $2; }
                app 7001 good; mkdir eve; app 7002 eve/app; chown 7004:7004 eve
                app 7001 linked later; mkdir marys; chown 7002 marys; ln -s ../marys linked/public; chown -h 7004 linked/public
                """
            let outcome = try Shell.script(script)
            guard outcome.status.isSuccess else {
                throw RunningProgram.Failure.ended("prepare", outcome.status, output: outcome.output)
            }
            return site
        }

        private static func check(_ site: Site, _ flags: String...) throws -> Shell.Outcome {
            try Shell.run(
                site.daemonWrapper + [
                    Repository.program("flying-passenger"), "--socket-file=\(site.socket)", "--check-apps",
                ] + flags
            )
        }

        @Test func `every app and document root that a rule refuses is listed before it is, and nothing is started`()
            throws
        {
            let site = try Self.site()
            // What runs now lets more pass than what is to come.
            site.daemonFlags += ["--trust-owner=eve"]
            try site.startDaemon()
            #expect(try Self.check(site).output.contains("No front has declared an application"))
            try site.startFront()
            try eventually("the manifest") { try Self.check(site).output.contains("4 applications") }

            let strict = try Self.check(site)
            #expect(strict.status == .exited(1), "\(strict.output)")
            let lines = strict.output.split(separator: "\n")
            let led = try #require(lines.first { $0.contains("/apps/eve/app: refused: ") }, "\(strict.output)")
            #expect(led.contains("(owner eve, mode 0755) belongs neither to mary nor to root"), "\(led)")
            #expect(strict.output.contains("--trust-owner=eve"), "\(strict.output)")
            #expect(lines.contains { $0.contains("/apps/gone: refused: ") }, "\(strict.output)")
            #expect(strict.output.contains("4 applications: 2 would be refused."), "\(strict.output)")
            #expect(strict.output.contains("no file in the document root"), "\(strict.output)")
            #expect(!strict.output.contains("a daemon of root's will not start"), "\(strict.output)")

            // With the flags that the new one will have.
            let log = site.directory.file("apps/eve/log")
            let trusting = try Self.check(site, "--trust-owner=eve", "--log-file=\(log)", "--pid-file=\(log).pid")
            #expect(trusting.output.contains("4 applications: 1 would be refused."), "\(trusting.output)")
            #expect(trusting.output.contains("--log-file \(log): refused: "), "\(trusting.output)")
            #expect(trusting.output.contains("--pid-file \(log).pid: refused: "), "\(trusting.output)")
            #expect(!TestFile.exists(log) && !TestFile.exists("\(log).pid"))

            let status = try site.status()
            #expect(status.groups.allSatisfy { $0.processes.isEmpty && $0.lastError == nil }, "\(status.groups)")
            #expect(try site.page("led").status == 200)
        }

        @Test func `nothing refused is exit status 0, no daemon is a failure that says so`() throws {
            let site = try Site.running([.init("wsgi", from: "wsgi", owner: Machine.appUsers[1])])
            try eventually("the manifest") { try Self.check(site).output.contains("1 application") }
            let fine = try Self.check(site)
            #expect(fine.status == .exited(0), "\(fine.output)")
            #expect(fine.output.contains("1 application: none would be refused."), "\(fine.output)")
            #expect(fine.output.contains("The configuration can be used."), "\(fine.output)")
            site.front?.stop()
            // A front that is away keeps what it declared.
            #expect(try Self.check(site).output.contains("1 application: none would be refused."))
            site.daemon?.stop()
            let nobody = try Self.check(site)
            #expect(nobody.status == .exited(1) && nobody.output.contains("is not running"), "\(nobody.output)")
        }
    }
}
