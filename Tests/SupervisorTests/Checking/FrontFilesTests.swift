// SPDX-License-Identifier: MIT

import Testing
import WireProtocol

@testable import Supervisor

struct FrontFilesTests {
    @Test(
        arguments: [
            (0, "0:/etc/front.conf", ["/etc/front.conf"]), (0, "0:/a.conf,/b.conf", ["/a.conf", "/b.conf"]),
            (7, "7:/home/joe/a.conf", ["/home/joe/a.conf"]),
            // Another one's prefix, listeners instead of files, the tail of a name that was too long, or just a name.
            (7, "0:/etc/front.conf", nil), (0, "0::8080", nil), (0, "0:unix:/run/s", nil), (0, "0:b.conf,/c.conf", nil),
            (0, "ront.conf", nil), (0, "0:", nil), (0, "", nil),
        ] as [(UInt32, String, [String]?)]
    )
    func `the files of a front are in its name`(uid: UInt32, name: String, paths: [String]?) {
        #expect(FrontFiles(of: DeclaredFront(uid: uid, name: name))?.paths == paths)
    }

    @Test func `the command is one to type`() throws {
        let files = try #require(FrontFiles(of: DeclaredFront(uid: 0, name: "0:/etc/my front.conf,/b")))
        #expect(files.command == "front-proxy '--config=/etc/my front.conf' --config=/b --test-config")
    }
}
