// SPDX-License-Identifier: MIT

import LinuxSystem
import Testing
import TestSupport

extension Integration {
    /// The account of workers: which one daemon and front choose without flags, and what it hides from others of that account.
    @Suite(.enabled(if: Machine.canUnshare, "needs root and mount namespaces"), .timeLimit(.minutes(1)))
    struct FrontAccountTests {
        private static let front = OwnAccounts.User(
            name: "flying-front",
            uid: 7050,
            gid: 7050,
            home: "/nonexistent",
            shell: "/usr/sbin/nologin"
        )

        @Test(arguments: [true, false])
        func `the account flying-front is taken by both programs if there is one`(_ isInWebGroup: Bool) throws {
            let site = try Site(apps: [.init("wsgi", from: "wsgi")])
            let wrapper = try OwnAccounts.wrapper(
                in: site.directory,
                adding: [Self.front],
                webGroup: isInWebGroup ? [Self.front.name] : []
            )
            site.daemonWrapper = wrapper
            site.frontWrapper = wrapper
            try site.startDaemon()
            try site.startFront()
            #expect(try site.page("wsgi", "/pid").status == 200)
            let pid = try #require(try site.workerPIDs().first)
            let worker = try #require(ProcessFacts(pid: pid))
            #expect(worker.uids == [7050, 7050, 7050, 7050])
            #expect(try FileStatus(path: site.socket).group == (isInWebGroup ? 33 : 7050))
            // Of the other accounts those that the socket's group lets in.
            site.front?.stop()
            try site.startFront(flags: ["--user=www-data"])
            if isInWebGroup {
                #expect(try site.page("wsgi", "/pid").status == 200)
            } else {
                try #require(site.front).waitForOutput("or this front with --user=NAME", in: site.frontLog)
                #expect(try TestFile.text(site.frontLog).contains("--front-user=NAME"))
            }
        }

        @Test(arguments: [false, true])
        func `programs without root rights are closed to others of their user, unless they keep core dumps`(
            _ keepsCoreDumps: Bool
        ) throws {
            let user = Machine.appUsers[0]
            let site = try Site(apps: [.init("wsgi", from: "wsgi", owner: user)])
            try TestDirectory.give(site.directory.path, to: user)
            let flags = keepsCoreDumps ? ["--core-dumps"] : []
            site.daemonFlags += flags
            site.daemonWrapper = ["setpriv", "--reuid=\(user.uid)", "--regid=\(user.primaryGroup)", "--clear-groups"]
            site.frontWrapper = site.daemonWrapper
            try site.startDaemon()
            try site.startFront(flags: flags)
            #expect(try site.page("wsgi", "/pid").status == 200)
            let programs = [try #require(site.daemon), try #require(site.front)]
            for pid in try programs.map(\.pid) + [site.corePID()] + site.workerPIDs() {
                let name = ProcInfo.arguments(of: pid).prefix(2).joined(separator: " ")
                let owner = try FileStatus(path: "/proc/\(pid)/mem").owner
                #expect(owner == (keepsCoreDumps ? user.uid : 0), "\(name)")
            }
        }
    }
}
