// SPDX-License-Identifier: MIT

import AppSettings
import NIOCore
import Testing
import WireProtocol

@testable import Supervisor

struct FrontRegistryTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let token = WorkerToken(high: 1, low: 1)
    private let newToken = WorkerToken(high: 2, low: 2)
    private let www: UInt32 = 33
    private var registry = FrontRegistry(
        policy: PeerPolicy(daemonUID: 0, trustedUIDs: [600], frontUIDs: [33], appRootAllow: ["/owned"])
    )

    private func settings(_ root: String, _ more: (String, String)...) -> SettingsList {
        SettingsList(([("app_root", root)] + more).map { .init(name: $0.0, value: $0.1) })
    }

    private func manifest(
        _ generation: UInt64,
        front: String = "0:/etc/front.conf",
        token: WorkerToken? = nil,
        _ apps: SettingsList...
    ) -> Manifest {
        Manifest(
            front: front,
            generation: generation,
            workerUID: self.www,
            workerToken: token ?? self.token,
            apps: apps.map { ManifestApp(groupName: $0["app_root"] ?? "", settings: $0, preStart: false) }
        )
    }

    private func definition(_ settings: SettingsList) -> DefineApp {
        DefineApp(app: AppNumber(rawValue: 1), groupName: settings["app_root"] ?? "", settings: settings)
    }

    private func key(_ root: String) -> GroupKey { GroupKey(namespace: .authority, name: root) }

    private mutating func judge(_ settings: SettingsList, uid: UInt32, _ token: WorkerToken?, at seconds: Int64 = 0)
        -> String
    {
        let peer = FrontRegistry.Peer(uid: uid, token: token)
        switch self.registry.judge(self.definition(settings), from: peer, at: self.start + .seconds(seconds)) {
        case .accepted(let key, let definition):
            guard let definition else { return "\(key)" }
            return "\(key) defined as \(definition.authority)"
        case .acceptedForLater(let key): return "\(key) later"
        case .rejected(let reason): return "rejected: \(reason)"
        }
    }

    // MARK: Manifests

    @Test mutating func `a manifest defines its apps`() {
        let outcome = self.registry.manifestReceived(
            self.manifest(1, self.settings("/a"), self.settings("/b")),
            from: 0,
            at: self.start
        )
        #expect(outcome.isInForce)
        #expect(outcome.definitions.map(\.key) == [self.key("/a"), self.key("/b")])
        #expect(outcome.definitions.allSatisfy { $0.authority == .full })
        #expect(self.registry.highestGeneration(of: .init(uid: 0, name: "0:/etc/front.conf")) == 1)
    }

    @Test mutating func `the first manifest of a front says nothing new about its apps, a later one does`() {
        let first = self.registry.manifestReceived(self.manifest(4, self.settings("/a")), from: 0, at: self.start)
        let other = self.registry.manifestReceived(
            self.manifest(1, front: "0:/etc/other.conf", token: self.newToken, self.settings("/a")),
            from: 0,
            at: self.start
        )
        let second = self.registry.manifestReceived(self.manifest(5, self.settings("/a")), from: 0, at: self.start)
        #expect(!first.isRepeated && !other.isRepeated && second.isRepeated)
    }

    @Test mutating func `generations only grow`() {
        _ = self.registry.manifestReceived(self.manifest(5, self.settings("/a")), from: 0, at: self.start)
        for generation in UInt64(1)...5 {
            let outcome = self.registry.manifestReceived(self.manifest(generation), from: 0, at: self.start)
            #expect(!outcome.isInForce && outcome.definitions.isEmpty && outcome.orphaned.isEmpty)
        }
        #expect(self.registry.manifestReceived(self.manifest(6), from: 0, at: self.start).orphaned == [self.key("/a")])
    }

    @Test mutating func `fronts of different users do not share a name`() {
        _ = self.registry.manifestReceived(self.manifest(5, self.settings("/a")), from: 0, at: self.start)
        let other = self.registry.manifestReceived(self.manifest(1, self.settings("/b")), from: 600, at: self.start)
        #expect(other.isInForce && other.orphaned.isEmpty)
    }

    @Test mutating func `an invalid app is rejected alone`() {
        let bad = self.settings("/bad", ("max_instances", "many"))
        let outcome = self.registry.manifestReceived(
            self.manifest(1, bad, self.settings("/a")),
            from: 0,
            at: self.start
        )
        #expect(outcome.definitions.map(\.key) == [self.key("/a")])
        #expect(outcome.rejections.map(\.group) == ["/bad"])
        #expect(outcome.rejections.first?.reason.contains("max_instances") == true)
    }

    @Test mutating func `an app in no manifest is retired after the grace time`() {
        _ = self.registry.manifestReceived(
            self.manifest(1, self.settings("/a"), self.settings("/b")),
            from: 0,
            at: self.start
        )
        let outcome = self.registry.manifestReceived(self.manifest(2, self.settings("/b")), from: 0, at: self.start)
        #expect(outcome.orphaned == [self.key("/a")])
        #expect(self.registry.timePassed(to: self.start + .seconds(59)) == [])
        #expect(self.registry.nextDeadline == self.start + .seconds(60))
        #expect(self.registry.timePassed(to: self.start + .seconds(60)) == [self.key("/a")])
        #expect(self.registry.timePassed(to: self.start + .seconds(61)) == [])
    }

    @Test mutating func `an app that comes back within the grace time stays`() {
        _ = self.registry.manifestReceived(self.manifest(1, self.settings("/a")), from: 0, at: self.start)
        _ = self.registry.manifestReceived(self.manifest(2), from: 0, at: self.start)
        _ = self.registry.manifestReceived(
            self.manifest(3, self.settings("/a")),
            from: 0,
            at: self.start + .seconds(59)
        )
        #expect(self.registry.timePassed(to: self.start + .seconds(600)) == [])
    }

    @Test mutating func `an app that another front declares stays`() {
        _ = self.registry.manifestReceived(self.manifest(1, self.settings("/a")), from: 0, at: self.start)
        _ = self.registry.manifestReceived(self.manifest(1, front: "two", self.settings("/a")), from: 0, at: self.start)
        #expect(self.registry.manifestReceived(self.manifest(2), from: 0, at: self.start).orphaned == [])
    }

    @Test mutating func `apps that were only pushed with requests are never retired`() {
        #expect(self.judge(self.settings("/pushed"), uid: 0, nil) == "/pushed defined as full")
        _ = self.registry.manifestReceived(self.manifest(1, self.settings("/a")), from: 0, at: self.start)
        _ = self.registry.manifestReceived(self.manifest(2, self.settings("/a")), from: 0, at: self.start)
        #expect(self.registry.timePassed(to: self.start + .hours(24)) == [])
    }

    @Test mutating func `two fronts that disagree are reported once, the later one wins`() {
        let one = self.settings("/a", ("max_instances", "1"))
        let two = self.settings("/a", ("max_instances", "2"))
        #expect(self.registry.manifestReceived(self.manifest(1, one), from: 0, at: self.start).disputes == [])
        let outcome = self.registry.manifestReceived(self.manifest(1, front: "two", two), from: 0, at: self.start)
        #expect(outcome.disputes == [self.key("/a")])
        #expect(outcome.definitions.first?.settings.maxInstances == 2)
        #expect(self.registry.manifestReceived(self.manifest(2, one), from: 0, at: self.start).disputes == [])
        #expect(self.registry.manifestReceived(self.manifest(3, two), from: 0, at: self.start).disputes == [])
        #expect(
            self.registry.manifestReceived(self.manifest(4, one), from: 0, at: self.start).disputes == [self.key("/a")]
        )
    }

    // MARK: Workers

    @Test mutating func `a worker uses what its front's manifest says, byte for byte`() {
        let declared = self.settings("/a", ("user", "joe"))
        _ = self.registry.manifestReceived(self.manifest(1, declared), from: 0, at: self.start)
        #expect(self.judge(declared, uid: self.www, self.token) == "/a")
        let changed = self.settings("/a", ("user", "root"))
        #expect(self.judge(changed, uid: self.www, self.token).contains("differ from those in the manifest"))
        #expect(
            self.judge(self.settings("/b"), uid: self.www, self.token).contains("differ from those in the manifest")
        )
    }

    @Test mutating func `settings that only Unicode holds for equal are not the same bytes`() {
        _ = self.registry.manifestReceived(self.manifest(1, self.settings("/caf\u{E9}")), from: 0, at: self.start)
        #expect(self.judge(self.settings("/cafe\u{301}"), uid: self.www, self.token).hasPrefix("rejected"))
    }

    @Test mutating func `a token shown by another user counts for nothing`() {
        _ = self.registry.manifestReceived(self.manifest(1, self.settings("/a")), from: 0, at: self.start)
        #expect(
            self.registry.standing(of: self.token, shownBy: self.www)
                == .known(.init(uid: 0, name: "0:/etc/front.conf"))
        )
        #expect(self.registry.standing(of: self.token, shownBy: 34) == .stolen)
        #expect(self.registry.standing(of: self.newToken, shownBy: self.www) == .unknown)
        #expect(self.registry.standing(of: nil, shownBy: self.www) == .none)
        #expect(self.judge(self.settings("/a"), uid: 34, self.token).hasPrefix("rejected"))
    }

    @Test mutating func `an old worker keeps its settings and replaces no newer ones`() {
        let old = self.settings("/a", ("max_instances", "1"))
        let new = self.settings("/a", ("max_instances", "2"))
        _ = self.registry.manifestReceived(self.manifest(1, old), from: 0, at: self.start)
        self.registry.workerConnected(self.token)
        _ = self.registry.manifestReceived(self.manifest(2, token: self.newToken, new), from: 0, at: self.start)
        #expect(self.judge(old, uid: self.www, self.token, at: 3600) == "/a")
        #expect(self.registry.timePassed(to: self.start + .seconds(3600)) == [])
        self.registry.workerDisconnected(self.token, at: self.start + .seconds(3600))
        #expect(self.registry.standing(of: self.token, shownBy: self.www) != .unknown)
        _ = self.registry.timePassed(to: self.start + .seconds(3660))
        #expect(self.registry.standing(of: self.token, shownBy: self.www) == .unknown)
        #expect(self.registry.standing(of: self.newToken, shownBy: self.www) != .unknown)
    }

    @Test mutating func `after a core restart an old worker's manifest comes behind the new one`() {
        let old = self.settings("/a", ("max_instances", "1"))
        let new = self.settings("/a", ("max_instances", "2"))
        _ = self.registry.manifestReceived(self.manifest(2, token: self.newToken, new), from: 0, at: self.start)
        let outcome = self.registry.manifestReceived(self.manifest(1, old), from: 0, at: self.start)
        #expect(!outcome.isInForce)
        #expect(self.judge(old, uid: self.www, self.token) == "/a")
        #expect(self.registry.groups[self.key("/a")] == new.canonicalBytes)
    }

    @Test mutating func `an app that an old worker still uses is made again and ends again`() {
        _ = self.registry.manifestReceived(self.manifest(1, self.settings("/a")), from: 0, at: self.start)
        self.registry.workerConnected(self.token)
        _ = self.registry.manifestReceived(self.manifest(2, token: self.newToken), from: 0, at: self.start)
        #expect(self.registry.timePassed(to: self.start + .seconds(60)) == [self.key("/a")])
        #expect(self.judge(self.settings("/a"), uid: self.www, self.token, at: 61) == "/a defined as full")
        #expect(self.registry.timePassed(to: self.start + .seconds(121)) == [self.key("/a")])
    }

    // MARK: Without a manifest

    @Test mutating func `a front without authority makes its token known, and gives it no power`() {
        self.registry.powerlessToken(self.token, of: self.www)
        #expect(self.registry.standing(of: self.token, shownBy: self.www) == .powerless)
        #expect(self.registry.standing(of: self.token, shownBy: 34) == .stolen)
        #expect(self.judge(self.settings("/a", ("user", "joe")), uid: self.www, self.token).hasPrefix("rejected"))
        #expect(self.judge(self.settings("/owned/a"), uid: self.www, self.token).contains("owner(uid: 33)"))
        self.registry.forgetPowerless([self.token])
        #expect(self.registry.standing(of: self.token, shownBy: self.www) == .unknown)
    }

    @Test mutating func `a worker without a manifest has owner settings in a namespace of its own`() {
        #expect(
            self.judge(self.settings("/owned/a"), uid: self.www, nil) == "/owned/a (uid 33) defined as owner(uid: 33)"
        )
        #expect(self.judge(self.settings("/owned/a"), uid: self.www, self.token) == "/owned/a (uid 33)")
        #expect(self.judge(self.settings("/elsewhere"), uid: self.www, nil).contains("--app-root-allow"))
        #expect(self.judge(self.settings("/owned/a", ("user", "joe")), uid: self.www, nil).contains("user"))
    }

    @Test mutating func `a worker without authority has a limited number of apps`() {
        for number in 0..<FrontRegistry.ownerGroupsPerUID {
            #expect(!self.judge(self.settings("/owned/\(number)"), uid: self.www, nil).hasPrefix("rejected"))
        }
        #expect(self.judge(self.settings("/owned/more"), uid: self.www, nil).contains("limit is"))
        #expect(self.judge(self.settings("/owned/1"), uid: self.www, nil) == "/owned/1 (uid 33)")
        #expect(self.registry.isAtOwnerLimit(self.www) && !self.registry.isAtOwnerLimit(34))
        // What nobody has any more makes room.
        self.registry.ownerGroupRetired(GroupKey(namespace: .uid(self.www), name: "/owned/1"))
        #expect(self.judge(self.settings("/owned/more"), uid: self.www, nil).contains("defined as owner"))
        #expect(self.judge(self.settings("/owned/1"), uid: self.www, nil).contains("limit is"))
    }

    @Test mutating func `a peer with authority pushes what it likes, again only what changed`() {
        let first = self.settings("/a", ("user", "joe"))
        #expect(self.judge(first, uid: 600, nil) == "/a defined as full")
        #expect(self.judge(first, uid: 600, nil) == "/a")
        #expect(self.judge(self.settings("/a", ("user", "ann")), uid: 600, nil) == "/a defined as full")
        #expect(self.judge(self.settings("/a"), uid: 1000, nil).hasPrefix("rejected"))
    }

    @Test mutating func `invalid settings are rejected with their reason`() {
        #expect(self.judge(self.settings("/a", ("max_instances", "many")), uid: 0, nil).contains("max_instances"))
    }
}
