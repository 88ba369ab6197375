// SPDX-License-Identifier: MIT

import AppSettings
import ArgumentParser
import LinuxSystem
import NIOPosix
import SpawnPlan
import TestSupport
import Testing
import WireProtocol

@testable import Supervisor

struct AppExaminerTests {
    private let directory: TestDirectory
    private let examiner: AppExaminer

    init() throws {
        directory = try TestDirectory("fp-examiner.")
        let options = try DaemonCommand.parse(["--socket-file=/nowhere", "--app-root-allow=/srv/open"]).options
        let users = try DaemonUsers(options)
        examiner = AppExaminer(
            options: SpawnerOptions(checking: options, users),
            policy: PeerPolicy(options, users),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next()
        )
    }

    private func app(_ settings: [(String, String)], uid: UInt32? = nil) -> DeclaredApp {
        DeclaredApp(name: "shop", uid: uid, settings: settings.map { .init(name: $0, value: $1) })
    }

    @Test func `an app that would start is accepted, and is not started`() throws {
        try directory.write("", to: "shop/passenger_wsgi.py")
        let verdict = examiner.verdict(on: app([("app_root", directory.file("shop")), ("user", "nobody")]))
        #expect(verdict.outcome == .accepted && verdict.subject == "shop", "\(verdict)")
        #expect(TestFile.names(in: directory.path) == ["shop"])
    }

    @Test func `an app that could not be started is refused with the reason and the remedies of a start`() throws {
        try directory.write("", to: "empty/notes.txt")
        for root in ["missing", "empty"] {
            let verdict = examiner.verdict(on: app([("app_root", directory.file(root))]))
            guard case .refused(let reason, let remedies) = verdict.outcome else {
                Issue.record("\(root): \(verdict)")
                continue
            }
            #expect(reason.contains(root) && !remedies.isEmpty, "\(verdict)")
        }
    }

    @Test func `settings that are not valid here are refused by name`() {
        let verdict = examiner.verdict(on: app([("app_root", "/srv/shop"), ("max_wishes", "3")]))
        #expect(verdict.lines.first?.contains("max_wishes") == true, "\(verdict)")
        #expect(examiner.verdict(on: app([])).isRefused)
    }

    @Test func `an app without authority is held to the flags of this daemon`() throws {
        let verdict = examiner.verdict(on: app([("app_root", directory.file("shop"))], uid: 7))
        #expect(verdict.subject == "shop (uid 7)")
        #expect(verdict.lines.first?.contains("--app-root-allow") == true, "\(verdict)")
    }
}
