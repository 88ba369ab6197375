// SPDX-License-Identifier: MIT

import AppSettings
import Testing

@testable import Supervisor

struct PeerPolicyTests {
    private let policy = PeerPolicy(
        daemonUID: 500,
        trustedUIDs: [600],
        frontUIDs: [33],
        appRootAllow: ["/webapps/", "/srv/a/b"],
        daemonMaxima: .init(maxPoolSize: 6, maxRequestQueueSize: 100, maxTimeLimit: .seconds(600))
    )

    @Test(arguments: [
        (UInt32(0), PeerPolicy.Standing.trusted), (500, .trusted), (600, .trusted), (33, .worker), (34, .stranger),
        (1000, .stranger),
    ])
    func `the uid decides what a peer may`(uid: UInt32, standing: PeerPolicy.Standing) {
        #expect(self.policy.standing(of: uid) == standing)
    }

    @Test func `a front user that is the daemon's own is trusted`() {
        let policy = PeerPolicy(daemonUID: 500, frontUIDs: [500])
        #expect(policy.standing(of: 500) == .trusted)
        #expect(policy.standing(of: 33) == .stranger)
    }

    private func objection(_ entries: [(String, String)]) throws -> String? {
        let list = SettingsList(entries.map { .init(name: $0.0, value: $0.1) })
        return self.policy.objection(toOwnerSettings: try AppSettings(list))
    }

    @Test(arguments: ["/webapps/foo", "/webapps/foo/bar", "/srv/a/b/c", "//webapps//foo/"])
    func `app roots below allowed directories are taken`(root: String) throws {
        #expect(try self.objection([("app_root", root)]) == nil)
    }

    @Test(arguments: [
        "/webapps", "/webapps2/foo", "/srv/a", "/srv/a/bc", "/webapps/../etc", "/webapps/./foo", "/etc",
        "/webapps/../\u{301}evil",
    ])
    func `other app roots are refused`(root: String) throws {
        #expect(try self.objection([("app_root", root)]) != nil)
    }

    @Test(arguments: [("user", "joe"), ("ruby", "/tmp/evil"), ("env_var", "A=b"), ("friendly_error_pages", "on")])
    func `settings that need authority are refused by name`(name: String, value: String) throws {
        let objection = try #require(try self.objection([("app_root", "/webapps/foo"), (name, value)]))
        #expect(objection.contains(name))
    }

    @Test func `sizes and times end at the daemon's maxima`() throws {
        let root = ("app_root", "/webapps/foo")
        #expect(try self.objection([root, ("max_instances", "6"), ("max_request_queue_size", "100")]) == nil)
        #expect(try self.objection([root, ("max_instances", "7")])?.contains("max_instances") == true)
        #expect(try self.objection([root, ("max_request_queue_size", "101")])?.contains("queue") == true)
        #expect(try self.objection([root, ("max_request_queue_size", "0")])?.contains("queue") == true)
        #expect(try self.objection([root, ("max_request_time", "3600")])?.contains("time limit") == true)
    }

    @Test func `without allowed directories no app root is taken`() throws {
        let policy = PeerPolicy(daemonUID: 500, frontUIDs: [33])
        let settings = try AppSettings(SettingsList([.init(name: "app_root", value: "/webapps/foo")]))
        #expect(policy.objection(toOwnerSettings: settings) != nil)
    }
}
