// SPDX-License-Identifier: MIT

import Testing

@testable import Supervisor

@Suite struct AdminRightsTests {
    @Test(arguments: [
        (UInt32(0), UInt32(0), AdminRights.everything),
        (0, 1000, .everything),
        (1000, 1000, .everything),
        (1000, 0, .ownGroups(uid: 1000)),
        (1001, 1000, .ownGroups(uid: 1001)),
    ])
    func `root and the daemon's user may do everything`(peer: UInt32, daemon: UInt32, rights: AdminRights) {
        #expect(AdminRights(peerUID: peer, daemonUID: daemon) == rights)
    }

    @Test(
        arguments: [
            (AdminRights.everything, GroupKey.Namespace.authority, nil, true),
            (.everything, .uid(5), 7, true),
            (.ownGroups(uid: 7), .authority, 7, true),
            (.ownGroups(uid: 7), .authority, 5, false),
            (.ownGroups(uid: 7), .authority, nil, false),
            (.ownGroups(uid: 7), .uid(7), nil, true),
            (.ownGroups(uid: 7), .uid(5), nil, false),
            (.ownGroups(uid: 7), .uid(7), 5, false),
        ] as [(AdminRights, GroupKey.Namespace, UInt32?, Bool)]
    )
    func `others reach what runs as them`(
        rights: AdminRights,
        namespace: GroupKey.Namespace,
        runningAs: UInt32?,
        expected: Bool
    ) {
        let key = GroupKey(namespace: namespace, name: "/srv/shop")
        #expect(rights.mayControl(key, runningAs: runningAs) == expected)
    }
}
