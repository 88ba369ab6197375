// SPDX-License-Identifier: MIT

import AppSettings
import FrontConfiguration
import TestSupport
import Testing
import WireProtocol

@testable import FrontProxy

/// Which location a path as it was sent leads to.
struct RoutingTests {
    private static func site() throws -> DataPath {
        var closed = RouteModel.Values()
        closed.returns = ReturnAction(status: 403, text: nil, isRedirect: false)
        var sub = RouteModel.Values()
        sub.baseURI = "/sub"
        sub.app = FrontApp(id: 1, groupName: "sub", settings: SettingsList([]))
        return try DataPath(otherMounts: [
            .init(path: "/admin", match: .prefix, route: RouteModel(closed)),
            .init(path: "/sub", match: .component, route: RouteModel(sub)),
        ]) { .ok("\($0.variables["SCRIPT_NAME"] ?? "?")|\($0.path)") }
    }

    @Test(arguments: [
        "/admin/x", "//admin/x", "/./admin/x", "/y/../admin", "/%2e%2e/admin", "/y/%2E./%61dmin", "/%2fadmin",
    ])
    func `a closed location is closed, however it is spelled`(_ target: String) throws {
        let path = try Self.site()
        #expect(try path.connect().get(target).status == 403)
    }

    @Test(arguments: [
        ("/a//b/./c", "|/a//b/./c"), ("/admin/../b", "|/admin/../b"), ("/sub/a//b", "/sub|/a//b"),
        ("//sub/a//b", "/sub|/a//b"), ("/x/../sub", "/sub|/"), ("/..", "|/.."),
    ])
    func `the app gets the path as it was sent, if its base URI can be taken off`(
        _ target: String,
        _ expected: String
    ) throws {
        let path = try Self.site()
        #expect(try path.connect().get(target).text == expected)
    }
}
