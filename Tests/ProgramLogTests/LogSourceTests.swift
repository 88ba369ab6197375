// SPDX-License-Identifier: MIT

import Logging
import Testing

@testable import ProgramLog

struct LogSourceTests {
    @Test(
        arguments: [
            ([:], LogSource.Kind.program, [:]), (["pid": "1"], .program, [:]),
            (["uid": "0", "app": "/srv/a"], .program, [:]),
            (["uid": "33", "app": "/srv/a"], .peer, ["uid": "33"]), (["app": "/srv/a"], .app, ["app": "/srv/a"]),
        ] as [(Logger.Metadata, LogSource.Kind, Logger.Metadata)]
    )
    func `a line belongs to the peer that causes it, else to its app`(
        metadata: Logger.Metadata,
        kind: LogSource.Kind,
        facts: Logger.Metadata
    ) {
        #expect(LogSource(of: metadata).kind == kind && LogSource(of: metadata).facts == facts)
    }

    @Test func `names are told apart byte for byte`() {
        #expect(LogSource.output(of: "caf\u{E9}") != .output(of: "cafe\u{301}"))
        #expect(LogSource.output(of: "shop") != LogSource(of: ["app": "shop"]))
    }
}
