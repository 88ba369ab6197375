// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import Testing
import WireProtocol

@testable import Supervisor

struct AppsReportRegistryTests {
    private func declared(_ groups: [(String, UInt32?)]) -> DeclaredApps {
        var declared = DeclaredApps(fronts: [DeclaredFront(uid: 0, name: "0:/etc/front.conf")])
        for (name, uid) in groups {
            let list = SettingsList([
                .init(name: "app_root", value: name), .init(name: "env_var", value: "SECRET=hunter2"),
            ])
            declared.groups[GroupKey(namespace: uid.map { .uid($0) } ?? .authority, name: name)] = list.canonicalBytes
        }
        return declared
    }

    @Test func `those with authority come first, in the order of their names, and without their variables`() {
        let report = AppsReport(declared([("/srv/b", 7), ("/srv/z", nil), ("/srv/a", 7), ("/srv/c", nil)]), after: 0)
        #expect(report.apps.map(\.name) == ["/srv/c", "/srv/z", "/srv/a", "/srv/b"])
        #expect(report.apps.map(\.uid) == [nil, nil, 7, 7])
        #expect(report.apps.allSatisfy { $0.settings == [.init(name: "app_root", value: $0.name)] })
        #expect(report.fronts.map(\.name) == ["0:/etc/front.conf"] && !report.isContinued)
    }

    @Test func `what has no room comes with the next question, each app once`() {
        let all = declared((0..<100).map { ("/srv/app\($0)", $0 % 2 == 0 ? nil : 7) })
        var names: [String] = []
        var isContinued = true
        while isContinued {
            let part = AppsReport(all, after: names.count, bytes: 1000)
            #expect(!part.apps.isEmpty)
            names += part.apps.map(\.name)
            isContinued = part.isContinued
        }
        #expect(names.count == 100 && Set(names).count == 100)
        #expect(AppsReport(all, after: 100).apps.isEmpty && AppsReport(all, after: .max).apps.isEmpty)
    }

    @Test func `one that is longer than an answer should be comes alone`() {
        let report = AppsReport(declared([("/srv/a", nil), ("/srv/b", nil)]), after: 0, bytes: 1)
        #expect(report.apps.map(\.name) == ["/srv/a"] && report.isContinued)
    }

    @Test(arguments: [
        (#"{"command":"apps"}"#, AdminOrder.apps(after: 0)), (#"{"command":"apps","skip":12}"#, .apps(after: 12)),
        (#"{"command":"apps","skip":-1}"#, .apps(after: 0)),
    ])
    func `a question may skip what is known`(json: String, order: AdminOrder) {
        #expect(AdminOrder(json.utf8) == order)
    }
}
